"""The desk: the films, photos and files of an intervention, in their order, each with its caption."""

import re

from finished import Finisher, items
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from pipeline.catalog.models import Asset, Erasure, State
from webapp.database import session
from webapp.interventions.models import Intervention, Item

HTMX = {"HX-Request": "true"}


def captions(shop: Flask, intervention: str) -> list[str]:
    with shop.app_context():
        return [item.caption for item in session.get_one(Intervention, intervention).items]


def test_a_film_shows_its_poster_under_a_path_of_the_reader(
    shop: Flask, alice: FlaskClient, charlie: FlaskClient, intervention: str, finisher: Finisher
) -> None:
    film = finisher.film(intervention)
    with shop.app_context():
        session.get_one(Asset, film).source = {"duration": 8.2}
        session.commit()
    page = alice.get(f"/interventions/{intervention}").text
    assert 'class="play"' in page
    assert '<span class="length">0:08</span>' in page
    path = re.search(r'<img src="(/m/[^"]+poster\.jpg)"', page)[1]
    assert alice.get(path).mimetype == "image/jpeg"
    assert charlie.get(path).status_code == 404


def test_captions_are_written_and_items_change_places(
    shop: Flask, bob: FlaskClient, intervention: str, finisher: Finisher
) -> None:
    for caption in ("one", "two", "three"):
        finisher.photo(intervention, caption=caption)
    first, second, third = items(shop, intervention)
    assert (
        bob.post(f"/interventions/items/{second}/caption", data={"caption": " Zwei "}, headers=HTMX).status_code == 204
    )
    assert bob.post(f"/interventions/items/{third}/move/up", headers=HTMX).status_code == 200
    assert captions(shop, intervention) == ["one", "three", "Zwei"]
    bob.post(f"/interventions/items/{first}/move/up")
    assert captions(shop, intervention) == ["one", "three", "Zwei"], "the first one stays first"


def test_an_erased_item_is_gone_and_its_bytes_are_on_the_list_to_go(
    shop: Flask, alice: FlaskClient, intervention: str, finisher: Finisher
) -> None:
    film = finisher.film(intervention)
    (item,) = items(shop, intervention)
    assert alice.post(f"/interventions/items/{item}/delete").status_code == 302
    with shop.app_context():
        assert session.get(Item, item) is None
        assert session.get(Asset, film) is None
        assert session.scalars(select(Erasure.asset_id)).all() == [film]


def test_a_moving_item_asks_for_itself_again_and_a_finished_one_does_not(
    shop: Flask, alice: FlaskClient, intervention: str, finisher: Finisher
) -> None:
    finisher.film(intervention, state=State.PROCESSING)
    finisher.photo(intervention)
    moving, finished = items(shop, intervention)
    assert "every 2s" in alice.get(f"/interventions/items/{moving}/figure").text
    assert "every 2s" not in alice.get(f"/interventions/items/{finished}/figure").text


def test_the_list_is_sent_again_only_when_it_changed(alice: FlaskClient, intervention: str, finisher: Finisher) -> None:
    page = alice.get(f"/interventions/{intervention}").text
    path = re.search(r'hx-get="(/interventions/[^"]+/media\?seen=[^"]+)"', page)[1]
    assert alice.get(path).status_code == 204
    finisher.photo(intervention)
    assert alice.get(path).status_code == 200


def test_a_refused_file_says_why_and_what_to_do(
    shop: Flask, alice: FlaskClient, intervention: str, finisher: Finisher
) -> None:
    film = finisher.film(intervention, state=State.REJECTED)
    with shop.app_context():
        session.get_one(Asset, film).reason = "no-picture"
        session.commit()
    assert "only sound in this file" in alice.get(f"/interventions/{intervention}").text


def test_the_list_shows_only_what_was_made(alice: FlaskClient, intervention: str, finisher: Finisher) -> None:
    finisher.film(intervention, state=State.REJECTED)
    finisher.photo(intervention, state=State.FAILED)
    assert "/m/" not in alice.get("/interventions").text
    finisher.photo(intervention)
    assert alice.get("/interventions").text.count('<img src="/m/') == 1
