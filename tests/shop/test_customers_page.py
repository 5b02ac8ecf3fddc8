"""What the customer's page shows, to whom, in which colours; and what is none of his business."""

import re
from collections.abc import Callable
from urllib.parse import urljoin

import pytest
from cast import open_page
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from pipeline.catalog.models import Asset, Output, State
from pipeline.names import FIRST, REST
from webapp.accounts.models import Dealership
from webapp.customers import colour
from webapp.customers import page as view
from webapp.database import session, storage

Issue = Callable[..., str]


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
    playlist, opening = re.search(r'data-playlist="([^"]+)" data-opening="([^"]+)"', page).groups()
    assert [client.get(urljoin(playlist, piece)).status_code for piece in opening.split()] == [200, 200, 200]
    assert "RO-1001" not in re.sub(r"mailto:\S+", "", page)


@pytest.mark.parametrize(("sizes", "name"), [((90, 140, 280), "b"), ((150, 151, 500), "a"), ((200, 300, 400), "a")])
def test_a_film_opens_with_the_best_version_that_begins_light(sizes: tuple[int, ...], name: str) -> None:
    versions = [
        {
            "name": letter, "codecs": "avc1.64001f,mp4a.40.2", "width": width, "init": f"{letter}-init.mp4",
            "segments": [{"path": f"{letter}.m4s", "bytes": size * 1000}],
        }
        for letter, width, size in zip("abc", (360, 480, 720), sizes, strict=True)
    ]  # fmt: skip
    light = {**versions[0], "name": "a-av1", "codecs": "av01.0.05M.08", "segments": [{"path": "av1.m4s", "bytes": 9}]}
    chunk = Output(id="one", facts={"renditions": [*versions, light]})
    assert view.opening([chunk]) == f"{name}.m3u8 one/{name}-init.mp4 one/{name}.m4s"
    assert view.opening([Output(id="one", facts={"renditions": [light]})]) == "a-av1.m3u8 one/a-init.mp4 one/av1.m4s"


def test_what_was_refused_or_failed_is_not_the_customers_business(
    client: FlaskClient, finisher: Finisher, intervention: str, issue: Issue
) -> None:
    finisher.film(intervention, caption="refused", state=State.REJECTED)
    finisher.photo(intervention, caption="failed", state=State.FAILED)
    page = open_page(client, issue(intervention))

    assert "refused" not in page
    assert "failed" not in page
    assert "There is nothing to see yet" in page


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


def test_a_film_that_failed_at_its_first_chunks_heavy_renditions_is_seen_in_the_light_one(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str, issue: Issue
) -> None:
    film, token = finisher.film(intervention, state=State.FAILED), issue(intervention)
    with shop.app_context():
        asset = session.get_one(Asset, film)
        asset.plan = {"outputs": [*asset.plan["outputs"], {"name": REST}]}
        session.commit()

    page = open_page(client, token)
    assert 'data-stage="ready"' in page
    assert "data-partial" not in page
    playlist = re.search(r'data-playlist="([^"]+)"', page)[1]
    assert "#EXT-X-ENDLIST" in client.get(playlist.replace("index", "720p")).text


def test_a_first_chunk_without_its_light_rendition_is_nothing_to_play_yet(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str, issue: Issue
) -> None:
    film, token = finisher.film(intervention, chunks=1, state=State.PROCESSING), issue(intervention)
    page = open_page(client, token)
    assert 'data-stage="playable"' in page
    playlist = re.search(r'data-playlist="([^"]+)"', page)[1]
    assert client.get(playlist).status_code == 200

    with shop.app_context():
        session.execute(update(Output).where(Output.asset_id == film, Output.name == FIRST).values(name=REST))
        session.commit()
    assert 'data-stage="waiting"' in open_page(client, token)
    assert client.get(playlist).status_code == 404


def test_the_rest_is_on_its_way_until_the_last_chunk_and_not_until_the_storyboard(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str, issue: Issue
) -> None:
    film, token = finisher.film(intervention, chunks=1, state=State.PROCESSING), issue(intervention)
    with shop.app_context():
        asset = session.get_one(Asset, film)
        names = ["chunk/0000", "chunk/0001", "storyboard"]
        asset.plan = {**(asset.plan or {}), "outputs": [{"name": name} for name in names]}
        session.commit()
    assert "The rest is on its way" in open_page(client, token)

    with shop.app_context():
        asset = session.get_one(Asset, film)
        asset.plan = {**asset.plan, "outputs": [{"name": "chunk/0000"}, {"name": "storyboard"}]}
        session.commit()
    page = open_page(client, token)
    assert 'data-stage="playable"' in page
    assert "data-growing" in page
    assert "The rest is on its way" not in page


def test_what_is_being_made_is_announced_and_an_abandoned_upload_is_not(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str, issue: Issue
) -> None:
    film = finisher.film(intervention, chunks=0, state=State.RECEIVING)
    token = issue(intervention)
    page = open_page(client, token)
    assert "The film is on its way" in page
    assert "data-growing" in page

    with shop.app_context():
        session.get_one(Asset, film).touched_at -= 7200
        session.commit()
    assert "The film is on its way" not in open_page(client, token)


def test_what_is_noted_for_the_workshop_is_in_nothing_that_a_customer_can_fetch(
    client: FlaskClient, bob: FlaskClient, finisher: Finisher, add_intervention: Callable[..., str], issue: Issue
) -> None:
    notes = "Zahlt schleppend \N{EM DASH} rack 14"
    intervention = add_intervention("RO-9", notes=notes, asked="A noise when braking.")
    finisher.film(intervention, caption="The left pad is worn")
    finisher.photo(intervention)
    assert "rack 14" in bob.get(f"/interventions/{intervention}").text, "it is written down where it belongs"

    token = issue(intervention)
    seen = {"door": client.get(f"/v/{token}").text, "page": open_page(client, token)}
    assert "A noise when braking." in seen["page"]
    playlist = re.search(r'data-playlist="([^"]+)"', seen["page"])[1]
    for path in {playlist, playlist.replace("index", "720p"), *re.findall(r'"(/m/[^"\s]+)[" ]', seen["page"])}:
        answer = client.get(path)
        assert answer.status_code == 200, path
        seen[path] = answer.data.decode(errors="replace") + str(answer.headers)
    assert len(seen) > 5
    for where, text in seen.items():
        assert "schleppend" not in text, where
        assert "rack 14" not in text, where
    assert "schleppend" not in bob.get(f"/interventions/{intervention}/preview").text
    assert "schleppend" not in bob.get(f"/interventions/{intervention}/media.json").text


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
