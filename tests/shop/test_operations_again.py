"""What failed on our side, and the extras that were given up, get a second try from the manager's page."""

import re

import pytest
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from pipeline.catalog import assets
from pipeline.catalog.models import Asset, Claim, Outbox, Output, State
from webapp.database import session
from webapp.interventions.models import Item


@pytest.fixture
def film(shop: Flask, finisher: Finisher, intervention: str) -> str:
    """A finished film whose storyboard was given up."""
    film = finisher.film(intervention)
    with shop.app_context():
        session.delete(session.scalar(select(Output).where(Output.asset_id == film, Output.name == "storyboard")))
        for place, name in enumerate(("ingest", "poster", "chunk/0000", "chunk/0001", "storyboard", "preview")):
            queue = "later" if name in ("storyboard", "preview") else "film"
            session.add(Claim(asset_id=film, name=name, position=place, queue=queue, done=True, attempts=3, fence=3))
        session.flush()
        lost = session.scalar(select(Claim).where(Claim.name == "storyboard"))
        lost.reason, lost.last_error = "engine-failed", "storyboard: no frame at 12.0 s"
        session.commit()
    return film


def retry_path(shop: Flask, asset: str) -> str:
    with shop.app_context():
        return f"/operations/items/{session.scalar(select(Item.id).where(Item.asset_id == asset))}/retry"


def state(shop: Flask, asset: str) -> State:
    with shop.app_context():
        return session.get_one(Asset, asset).state


def test_the_manager_sees_what_a_film_goes_without_and_why(alice: FlaskClient, film: str) -> None:
    page = alice.get("/operations").text
    assert "Pictures along the seek bar" in page
    assert "storyboard: no frame at 12.0 s" in page
    assert "Moving preview" not in page, "that one was made"


def test_the_button_makes_a_given_up_extra_once_more_and_the_film_stays_shown(
    alice: FlaskClient, shop: Flask, film: str
) -> None:
    path = re.search(r'action="(/operations/items/[^"]+/retry)"', alice.get("/operations").text)[1]
    assert alice.post(path).location == "/operations"

    assert "Pictures along the seek bar" not in alice.get("/operations").text
    with shop.app_context():
        asset = session.get_one(Asset, film)
        assert asset.state is State.PROCESSING
        assert assets.missing(session, asset) == {"storyboard"}
        assert assets.progress(session, asset).playable
        assert [row.args["name"] for row in session.scalars(select(Outbox))] == ["storyboard"]


def test_a_failed_film_is_tried_again_from_the_same_page(
    alice: FlaskClient, shop: Flask, finisher: Finisher, intervention: str
) -> None:
    film = finisher.film(intervention, state=State.FAILED)
    path = retry_path(shop, film)
    assert path in alice.get("/operations").text

    assert alice.post(path).status_code == 303

    assert state(shop, film) is State.PROCESSING


def test_a_refused_file_has_no_button_and_stays_refused(
    alice: FlaskClient, shop: Flask, finisher: Finisher, intervention: str
) -> None:
    film = finisher.film(intervention, state=State.REJECTED)
    path = retry_path(shop, film)
    assert path not in alice.get("/operations").text

    alice.post(path)

    assert state(shop, film) is State.REJECTED


def test_a_film_that_lacks_nothing_stays_as_it_is(
    alice: FlaskClient, shop: Flask, finisher: Finisher, intervention: str
) -> None:
    film = finisher.film(intervention)
    assert alice.post(retry_path(shop, film)).status_code == 303
    assert state(shop, film) is State.READY


def test_only_the_manager_tries_again(bob: FlaskClient, client: FlaskClient, shop: Flask, film: str) -> None:
    path = retry_path(shop, film)
    assert bob.post(path).status_code == 403
    assert client.post(path).status_code == 302
    assert state(shop, film) is State.READY


def test_charlie_neither_sees_nor_tries_again_what_alices_film_goes_without(
    charlie: FlaskClient, shop: Flask, film: str
) -> None:
    assert "storyboard" not in charlie.get("/operations").text
    assert charlie.post(retry_path(shop, film)).status_code == 404
    assert state(shop, film) is State.READY
