"""Creations that bring their first bytes along: whatever becomes of the bytes, the client learns where to go on."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from landing import BYTES, pairs
from sqlalchemy import select
from unloading import Headers, path_of, send, stored

from pipeline.catalog.models import Asset
from pipeline.catalog.storage import StorageDown
from webapp.database import session
from webapp.interventions.models import Item
from webapp.uploads import places
from webapp.uploads.models import Upload

Begin = Callable[..., Any]
WRONG = {"Upload-Checksum": "md5 " + base64.b64encode(b"x" * 16).decode()}


@pytest.fixture
def begin(upload: FlaskClient, mine: Headers, intervention: str) -> Begin:
    """`begin(data, headers…, key=…)` → the answer to the creation of a file of six bytes that brings `data`."""

    def begin(data: bytes, more: Headers | None = None, **metadata: str) -> Any:
        named = pairs(intervention=intervention, **metadata)
        headers = {**mine, **BYTES, "Upload-Length": "6", "Upload-Metadata": named, **(more or {})}
        return upload.post("/files", headers=headers, data=data)

    return begin


def left(shop: Flask) -> int:
    """How many rows there are of uploads, assets and items."""
    with shop.app_context():
        return sum(len(session.scalars(select(what.id)).all()) for what in (Upload, Asset, Item))


def test_a_creation_repeated_with_its_bytes_says_how_many_are_there(
    upload: FlaskClient, begin: Begin, mine: Headers, shop: Flask
) -> None:
    first = begin(b"abc", key="7a0c")
    again = begin(b"abc", key="7a0c")
    assert (again.status_code, again.headers["Upload-Offset"]) == (201, "3")
    assert again.headers["Location"] == first.headers["Location"]
    assert send(upload, mine, path_of(again), 3, b"def").status_code == 204
    assert stored(shop, path_of(again)) == b"abcdef"


@pytest.mark.parametrize("key", [{}, {"key": "7a0c"}], ids=["without a key", "with a key"])
def test_first_bytes_that_are_not_what_was_promised_leave_nothing(begin: Begin, shop: Flask, key: Headers) -> None:
    refused = begin(b"abc", WRONG, **key)
    assert (refused.status_code, "Location" in refused.headers) == (460, False)
    assert left(shop) == 0
    assert begin(b"abc", **key).headers["Upload-Offset"] == "3"


def test_an_upload_that_was_told_of_stays_whatever_a_repeated_creation_brings(
    begin: Begin, upload: FlaskClient, mine: Headers, shop: Flask
) -> None:
    path = path_of(begin(b"", key="7a0c"))
    assert begin(b"abc", WRONG, key="7a0c").status_code == 460
    assert upload.head(path, headers=mine).headers["Upload-Offset"] == "0"


def test_an_upload_created_while_the_storage_is_away_is_told_of(
    begin: Begin, upload: FlaskClient, mine: Headers, shop: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StorageDown("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(type(upload.application.extensions["storage"]), "put", away)
        made = begin(b"abc")
    assert (made.status_code, made.headers["Upload-Offset"]) == (201, "0")
    assert send(upload, mine, path_of(made), 0, b"abcdef").status_code == 204
    assert stored(shop, path_of(made)) == b"abcdef"


def test_an_upload_that_another_request_took_over_is_told_of_and_not_taken_back(
    begin: Begin, upload: FlaskClient, mine: Headers, shop: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = places.take_over

    def overtaken(upload_id: str, offset: int) -> places.Place:
        place = honest(upload_id, offset)
        # The same creation once more, without bytes: it has been told where the upload is, and goes on there.
        assert begin(b"", key="7a0c").headers["Location"].endswith(upload_id)
        honest(upload_id, offset)
        return place

    for more, status in (({}, 201), (WRONG, 460)):
        with monkeypatch.context() as patched:
            patched.setattr(places, "take_over", overtaken)
            answer = begin(b"abc", more, key="7a0c")
        assert answer.status_code == status
        assert left(shop) == 3
    assert begin(b"abcdef", key="7a0c").headers["Upload-Offset"] == "6"
