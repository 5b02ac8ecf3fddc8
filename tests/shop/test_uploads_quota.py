"""How much a dealership may have on its way, and how often somebody may begin."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from landing import pairs
from sqlalchemy import select
from unloading import Headers, send

from pipeline.catalog.models import Asset
from webapp.app import create_app
from webapp.database import session
from webapp.guards import limiter
from webapp.interventions.models import Item
from workers.settings import Settings


@pytest.fixture
def upload(shop: Flask, settings: Settings) -> Iterator[FlaskClient]:
    """The upload application of a house with room for 100 unfinished bytes a dealership."""
    app = create_app(settings.model_copy(update={"max_unfinished_bytes": 100}), "upload")
    app.config["TESTING"] = True
    yield app.test_client()
    limiter.reset()
    app.extensions["engine"].dispose()


@pytest.fixture
def begin(upload: FlaskClient, intervention: str) -> Callable[..., object]:
    """`begin(who, size, intervention=…)` → the answer to a creation."""

    def begin(who: Headers, size: int, **metadata: str) -> object:
        named = pairs(**({"intervention": intervention} | metadata))
        return upload.post("/files", headers={**who, "Upload-Length": str(size), "Upload-Metadata": named})

    return begin


def test_what_is_on_its_way_has_a_limit_that_finishing_frees(
    upload: FlaskClient, mine: Headers, begin: Callable[..., object]
) -> None:
    path = "/files/" + begin(mine, 60).headers["Location"].rsplit("/", 1)[1]
    full = begin(mine, 41)
    assert (full.status_code, int(full.headers["Retry-After"]) > 0) == (429, True)
    assert "60 of 100 bytes" in full.text
    assert full.headers["Refusal-Reason"] == "unfinished", "what the technician's page tells it by"
    assert begin(mine, 40).status_code == 201
    assert send(upload, mine, path, 0, b"x" * 60).status_code == 204
    assert begin(mine, 60).status_code == 201


def test_a_creation_repeated_finds_its_upload_even_when_the_house_is_full(
    mine: Headers, begin: Callable[..., object]
) -> None:
    first = begin(mine, 100, key="7a0c")
    assert begin(mine, 1).status_code == 429
    assert begin(mine, 100, key="7a0c").headers["Location"] == first.headers["Location"]


def test_a_file_that_will_never_fit_is_refused_for_good(
    shop: Flask, mine: Headers, begin: Callable[..., object]
) -> None:
    assert begin(mine, 101).status_code == 413
    with shop.app_context():
        assert session.scalars(select(Asset)).all() == []


def test_one_dealerships_files_take_no_room_from_another(
    mine: Headers,
    token: Callable[[str], Headers],
    begin: Callable[..., object],
    add_intervention: Callable[..., str],
) -> None:
    assert begin(mine, 100).status_code == 201
    theirs = add_intervention("RO-9", dealer="Autohaus Nord")
    assert begin(token("Autohaus Nord"), 100, intervention=theirs).status_code == 201


def test_who_begins_too_often_is_asked_to_wait_and_nobody_else_is(
    shop: Flask, mine: Headers, settings: Settings, token: Callable[[str], Headers], begin: Callable[..., object]
) -> None:
    ours = {**mine, "Origin": settings.effective_public_url}
    assert {begin(ours, 0, key="7a0c").status_code for _ in range(120)} == {201}
    answer = begin(ours, 0, key="7a0c")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 61
    assert len(answer.text.splitlines()) == 1
    assert "Access-Control-Allow-Origin" in answer.headers  # the phone may read that it should wait
    assert begin(token("Garage Lumière"), 0, key="7a0c").status_code == 201
    with shop.app_context():
        assert len(session.scalars(select(Item)).all()) == 1
