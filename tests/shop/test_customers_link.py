"""The customer's link: a key that works until it is over, says nothing when it does not, and changes nothing."""

import re
import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from webapp.customers import links
from webapp.customers.models import Link
from webapp.database import session

Issue = Callable[..., str]


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

    with shop.app_context():
        ids = list(session.scalars(select(Link.id)))
    doors = [[f"/v/{token}" for token in ("unknown", expired, revoked)], [f"/w/{id}" for id in ("unknown", *ids)]]

    for door in doors:
        answers = [client.get(path) for path in door]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.text for answer in answers}) == 1
        assert not any("Set-Cookie" in answer.headers for answer in answers)
        assert "Garage" not in answers[0].text


@pytest.mark.parametrize(("language", "advice"), [("en", "a new one"), ("fr", "un nouveau"), ("de", "um einen neuen")])
def test_who_holds_a_dead_link_is_told_to_ask_for_another_and_not_to_open_it_again(
    client: FlaskClient, language: str, advice: str
) -> None:
    said = {"Accept-Language": language}
    door, page = (client.get(path, headers=said).text for path in ("/v/unknown", "/w/unknown"))

    assert advice in door
    assert advice in page
    assert not re.search("once more|encore|noch einmal|opens with", door)


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


@pytest.mark.parametrize(("who", "counts"), [("bob", False), ("charlie", True)])
def test_what_the_workshops_own_people_open_does_not_count(
    shop: Flask, request: pytest.FixtureRequest, intervention: str, issue: Issue, who: str, counts: bool
) -> None:
    """What the dealer believes of the customer is true; and somebody of another dealership may well be one."""
    browser, token = request.getfixturevalue(who), issue(intervention)
    page = browser.get(f"/v/{token}", follow_redirects=True)
    said = {"X-CSRF-Token": re.search(r'data-csrf="([0-9a-f]{64})"', page.text)[1]}

    assert browser.post(f"{page.request.path}/opened", headers=said).status_code == 204
    with shop.app_context():
        assert (links.find(token).opened_at is not None) is counts


def test_the_page_is_kept_by_nobody_and_loads_from_nobody(client: FlaskClient, intervention: str, issue: Issue) -> None:
    response = client.get(f"/v/{issue(intervention)}", follow_redirects=True)

    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Robots-Tag"].startswith("noindex")
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "http" not in policy
    assert not re.search(r'(?:src|href)="(?:https?:)?//', response.text)
