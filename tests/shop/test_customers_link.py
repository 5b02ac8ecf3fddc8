"""The customer's link: a key that works until it is over, says nothing when it does not, and changes nothing."""

import re
import time
from collections.abc import Callable

import pytest
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from pipeline.catalog.models import Asset, Output, State
from webapp.accounts.models import Dealership
from webapp.customers import colour, links
from webapp.customers.models import Link
from webapp.database import session, storage
from webapp.interventions.models import Intervention

Issue = Callable[..., str]


@pytest.fixture
def issue(shop: Flask) -> Issue:
    """`issue(intervention)` → the token of a new link."""

    def issue(intervention: str) -> str:
        with shop.app_context():
            _, token = links.issue(session.get_one(Intervention, intervention), "camille@example.org")
            session.commit()
        return token

    return issue


def open_page(client: FlaskClient, token: str) -> str:
    return client.get(f"/v/{token}", follow_redirects=True).text


def test_a_link_becomes_a_cookie_and_an_address_without_the_key(
    client: FlaskClient, intervention: str, issue: Issue
) -> None:
    token = issue(intervention)
    response = client.get(f"/v/{token}")

    assert response.status_code == 303
    assert token not in response.location
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-link-")
    assert all(part in cookie for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in cookie
    assert "Renault Mégane" in client.get(response.location).text


def test_over_plain_http_in_a_workshops_network_the_cookie_still_works(
    client: FlaskClient, intervention: str, issue: Issue
) -> None:
    base = "http://192.168.1.20:8000"
    response = client.get(f"/v/{issue(intervention)}", base_url=base)

    assert response.headers["Set-Cookie"].startswith("link-")
    assert "Secure" not in response.headers["Set-Cookie"]
    assert client.get(response.location, base_url=base).status_code == 200


def test_only_the_hash_of_a_token_is_kept(shop: Flask, intervention: str, issue: Issue) -> None:
    token = issue(intervention)
    with shop.app_context():
        link = session.scalars(select(Link)).one()
        assert token not in "".join(str(value) for value in vars(link).values())
        assert links.find(token) is link
        assert links.url(token).endswith(f"/v/{token}")


def test_unknown_expired_and_revoked_links_look_the_same(
    client: FlaskClient, shop: Flask, intervention: str, issue: Issue
) -> None:
    expired, revoked = issue(intervention), issue(intervention)
    with shop.app_context():
        links.find(expired).expires_at = time.time() - 1
        links.revoke(links.find(revoked))
        session.commit()

    answers = [client.get(f"/v/{token}") for token in ("unknown", expired, revoked)]
    answers.append(client.get("/w/unknown"))

    assert {answer.status_code for answer in answers} == {404}
    assert len({re.sub(r"nonce-[^']+", "", answer.text) for answer in answers}) == 1
    assert not any("Set-Cookie" in answer.headers for answer in answers)
    assert "Garage" not in answers[0].text


def test_a_page_that_is_open_ends_with_its_link(
    client: FlaskClient, shop: Flask, intervention: str, issue: Issue
) -> None:
    token = issue(intervention)
    clean = client.get(f"/v/{token}").location
    with shop.app_context():
        links.revoke(links.find(token))
        session.commit()

    assert client.get(clean).status_code == 404
    assert client.post(clean + "/opened").status_code == 404


def test_the_clean_address_is_worth_nothing_without_the_cookie(
    shop: Flask, client: FlaskClient, intervention: str, issue: Issue
) -> None:
    clean = client.get(f"/v/{issue(intervention)}").location
    assert shop.test_client().get(clean).status_code == 404


def test_one_links_cookie_does_not_open_anothers_page(
    client: FlaskClient, shop: Flask, intervention: str, add_intervention: Callable[..., str], issue: Issue
) -> None:
    mine, other = issue(intervention), issue(add_intervention("RO-2", dealer="Autohaus Nord"))
    with shop.app_context():
        other_id = links.find(other).id
    client.set_cookie(f"__Host-link-{other_id}", mine)

    assert client.get(f"/w/{other_id}").status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_scanner_that_follows_the_link_opens_nothing(
    client: FlaskClient, shop: Flask, intervention: str, issue: Issue, method: str
) -> None:
    token = issue(intervention)
    client.open(f"/v/{token}", method=method, follow_redirects=True)
    with shop.app_context():
        assert links.find(token).opened_at is None


def test_opened_is_what_the_page_says_the_first_time(
    client: FlaskClient, shop: Flask, intervention: str, issue: Issue
) -> None:
    token = issue(intervention)
    response = client.get(f"/v/{token}", follow_redirects=True)
    said = {"X-CSRF-Token": re.search(r'data-csrf="([0-9a-f]{64})"', response.text)[1]}

    assert client.post(f"{response.request.path}/opened").status_code == 400
    assert client.post(f"{response.request.path}/opened", headers={"X-CSRF-Token": "é"}).status_code == 400
    with shop.app_context():
        assert links.find(token).opened_at is None
    assert client.post(f"{response.request.path}/opened", headers=said).status_code == 204
    with shop.app_context():
        first = links.find(token).opened_at
    assert client.post(f"{response.request.path}/opened", headers=said).status_code == 204
    with shop.app_context():
        assert links.find(token).opened_at == first


def test_the_page_is_kept_by_nobody_and_loads_from_nobody(client: FlaskClient, intervention: str, issue: Issue) -> None:
    response = client.get(f"/v/{issue(intervention)}", follow_redirects=True)

    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Robots-Tag"].startswith("noindex")
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "http" not in policy
    assert not re.search(r'(?:src|href)="(?:https?:)?//', response.text)


def test_the_page_shows_the_dealer_the_vehicle_and_every_finished_file(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str, issue: Issue
) -> None:
    with shop.app_context():
        dealer = session.scalars(select(Dealership).where(Dealership.name == "Garage Lumière")).one()
        dealer.phone, dealer.email, dealer.address = "+33142681234", "atelier@example.org", "12 rue des Ateliers"
        dealer.logo_key = f"logos/{dealer.id}/abc.png"
        storage().put(dealer.logo_key, b"\x89PNG")
        session.commit()
    finisher.film(intervention, caption="The left pad is worn")
    finisher.photo(intervention, caption="<b>Disc</b>")
    finisher.document(intervention, caption="Report")
    page = open_page(client, issue(intervention))

    for text in (
        "Hello Camille Durand",
        "GB-123-LM",
        "+33 1 42 68 12 34",
        "12 rue des Ateliers",
        "The left pad is worn",
    ):
        assert text in page
    assert "&lt;b&gt;Disc&lt;/b&gt;" in page
    assert "tel:+33142681234" in page
    assert "mailto:atelier@example.org" in page
    assert client.get(re.search(r'src="(/m/[^"]+/logo\.png)"', page)[1]).data == b"\x89PNG"
    for pattern in (r'data-playlist="([^"]+)"', r'class="poster" src="([^"]+)"', r'href="([^"]+)" download'):
        assert client.get(re.search(pattern, page)[1]).status_code == 200
    assert "RO-1001" not in re.sub(r"mailto:\S+", "", page)


def test_what_was_refused_or_failed_is_not_the_customers_business(
    client: FlaskClient, finisher: Finisher, intervention: str, issue: Issue
) -> None:
    finisher.film(intervention, caption="refused", state=State.REJECTED)
    finisher.photo(intervention, caption="failed", state=State.FAILED)
    page = open_page(client, issue(intervention))

    assert "refused" not in page
    assert "failed" not in page
    assert "There is nothing to see yet" in page
    assert "data-growing" not in page


def test_a_film_that_failed_after_its_last_chunk_stays_and_one_with_a_hole_does_not(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str, issue: Issue
) -> None:
    film = finisher.film(intervention, caption="The pads are worn", state=State.FAILED)
    token = issue(intervention)
    page = open_page(client, token)
    assert "The pads are worn" in page
    assert 'data-stage="ready"' in page
    assert "data-growing" not in page
    playlist = client.get(re.search(r'data-playlist="([^"]+)"', page)[1])
    assert playlist.status_code == 200

    with shop.app_context():
        session.execute(delete(Output).where(Output.asset_id == film, Output.name == "chunk/0001"))
        session.commit()
    assert "The pads are worn" not in open_page(client, token)


def test_what_is_being_made_is_announced_and_an_abandoned_upload_is_not(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str, issue: Issue
) -> None:
    film = finisher.film(intervention, chunks=0, state=State.RECEIVING)
    token = issue(intervention)
    page = open_page(client, token)
    assert "The film is being prepared" in page
    assert "data-growing" in page

    with shop.app_context():
        session.get_one(Asset, film).created_at -= 7200
        session.commit()
    assert "The film is being prepared" not in open_page(client, token)


@pytest.mark.parametrize(
    ("language", "greeting"), [("fr", "Bonjour Camille"), ("de", "Guten Tag Camille"), ("en", "Hello")]
)
def test_the_page_speaks_the_customers_language(
    client: FlaskClient, add_intervention: Callable[..., str], issue: Issue, language: str, greeting: str
) -> None:
    page = open_page(client, issue(add_intervention("RO-9", customer_language=language)))

    assert greeting in page
    assert f'<html lang="{language}">' in page


def test_staff_preview_their_own_page_and_nobody_elses(
    bob: FlaskClient, charlie: FlaskClient, client: FlaskClient, finisher: Finisher, intervention: str
) -> None:
    finisher.film(intervention)
    path = f"/interventions/{intervention}/preview"
    page = bob.get(path)

    assert page.status_code == 200
    assert bob.get(re.search(r'data-playlist="([^"]+)"', page.text)[1]).status_code == 200
    assert charlie.get(path).status_code == 404
    assert client.get(path).status_code in (302, 401)


@pytest.mark.parametrize("chosen", ["#ffcc00", "#ffffff", "#000000", "#1f6feb", "#777777", "#00ff88", "nonsense"])
def test_whatever_colour_a_dealer_chose_text_can_be_read(chosen: str) -> None:
    made = colour.palette(chosen)

    assert colour.contrast(made.fill, made.on_fill) >= 4.5
    assert colour.contrast(made.ink_light, "#ffffff") >= 4.5
    assert colour.contrast(made.ink_light, colour.PAPER_LIGHT) >= 4.5
    assert colour.contrast(made.ink_dark, colour.PAPER_DARK) >= 4.5


def test_contrast_is_that_of_the_specification() -> None:
    assert colour.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colour.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
