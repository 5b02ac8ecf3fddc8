"""The life of an upload, asked of the upload application itself. The network is in test_uploads_network."""

import base64
import hashlib
import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from landing import BYTES, pairs
from sqlalchemy import select, update
from unloading import Headers, path_of, send, stored

from pipeline.catalog import reconcile
from pipeline.catalog.models import Asset, Outbox, Part, State
from webapp.accounts.models import Dealership
from webapp.database import session, storage
from webapp.interventions.models import Item
from webapp.uploads.models import Upload


def test_a_film_sent_in_three_requests_is_whole_and_wakes_the_crew(
    upload: FlaskClient, create: Callable[..., str], mine: Headers, shop: Flask
) -> None:
    film = bytes(range(256)) * 10
    path = create(len(film))
    for start, end in ((0, 1000), (1000, 1001), (1001, 2560)):
        answer = send(upload, mine, path, start, film[start:end])
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(end))
    head = upload.head(path, headers=mine)
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("2560", "2560")
    assert "Upload-Expires" not in head.headers
    assert stored(shop, path) == film
    with shop.app_context():
        asset = session.scalars(select(Asset)).one()
        assert asset.state is State.PROCESSING
        assert [row.actor for row in session.scalars(select(Outbox))] == ["ingest"]


def test_creation_writes_the_item_at_the_end_of_the_intervention(
    create: Callable[..., str], shop: Flask, intervention: str
) -> None:
    create(5, caption="Pneus arrière usés", filename="../../etc/passwd")
    create(5, kind="photo")
    with shop.app_context():
        first, second = session.scalars(select(Item).order_by(Item.position))
        assert (first.kind, first.caption, first.filename) == ("film", "Pneus arrière usés", "../../etc/passwd")
        assert (first.position, second.position, second.kind) == (0, 1, "photo")
        dealership = session.scalar(select(Dealership).where(Dealership.name == "Garage Lumière"))
        assert first.asset.owner == dealership.id
        assert first.intervention_id == intervention


def test_nothing_a_client_says_becomes_part_of_a_key(
    upload: FlaskClient, create: Callable[..., str], mine: Headers, shop: Flask
) -> None:
    path = create(4, filename="canary-name.mov", caption="canary-caption", key="canary-key")
    send(upload, mine, path, 0, b"film")
    with shop.app_context():
        part = session.scalars(select(Part)).one()
        upload_id = session.scalars(select(Upload.id)).one()
        assert "canary" not in part.key
        assert "canary" not in upload_id
        assert upload_id not in part.key


def test_creation_with_upload_takes_the_first_bytes_along(
    upload: FlaskClient, mine: Headers, intervention: str, shop: Flask
) -> None:
    headers = {**mine, **BYTES, "Upload-Length": "6", "Upload-Metadata": pairs(intervention=intervention)}
    answer = upload.post("/files/", headers=headers, data=b"abc")
    assert answer.headers["Upload-Offset"] == "3"
    path = path_of(answer)
    assert send(upload, mine, path, 3, b"def").headers["Upload-Offset"] == "6"
    assert stored(shop, path) == b"abcdef"


def test_a_repeated_creation_with_the_same_key_makes_one_item(
    upload: FlaskClient, create: Callable[..., str], mine: Headers, shop: Flask, add_intervention: Callable[..., str]
) -> None:
    path = create(9, key="7a0c")
    send(upload, mine, path, 0, b"four")
    assert create(9, key="7a0c") == path
    assert create(9, key="7a0c", intervention=add_intervention("RO-2")) != path
    assert upload.head(path, headers=mine).headers["Upload-Offset"] == "4"
    with shop.app_context():
        assert len(session.scalars(select(Item)).all()) == 2


def test_the_same_key_for_a_file_of_another_size_is_a_conflict(
    upload: FlaskClient, create: Callable[..., str], mine: Headers, intervention: str
) -> None:
    create(9, key="7a0c")
    headers = {**mine, "Upload-Length": "10", "Upload-Metadata": pairs(intervention=intervention, key="7a0c")}
    assert upload.post("/files", headers=headers).status_code == 409


@pytest.mark.parametrize("name", ["sha1", "sha256", "md5"])
def test_a_matching_checksum_is_accepted(
    upload: FlaskClient, create: Callable[..., str], mine: Headers, name: str
) -> None:
    path = create(10)
    digest = base64.b64encode(hashlib.new(name, b"abc").digest()).decode()
    answer = send(upload, mine, path, 0, b"abc", Upload_Checksum=f"{name} {digest}")
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "3")


def test_a_wrong_checksum_leaves_no_object_behind(
    upload: FlaskClient, create: Callable[..., str], mine: Headers, shop: Flask
) -> None:
    path = create(10)
    wrong = "md5 " + base64.b64encode(b"x" * 16).decode()
    assert send(upload, mine, path, 0, b"abc", Upload_Checksum=wrong).status_code == 460
    with shop.app_context():
        assert list(storage().list("assets/")) == []


def test_termination_removes_the_item_and_its_bytes_are_forgotten(
    upload: FlaskClient, create: Callable[..., str], mine: Headers, shop: Flask
) -> None:
    path = create(10)
    send(upload, mine, path, 0, b"abc")
    assert upload.delete(path, headers=mine).status_code == 204
    assert upload.head(path, headers=mine).status_code == 404
    with shop.app_context():
        assert session.scalars(select(Item)).all() == []
        assert session.scalars(select(Part)).all() == []


def test_an_unfinished_upload_expires_and_a_finished_one_does_not(
    upload: FlaskClient, create: Callable[..., str], mine: Headers, shop: Flask
) -> None:
    late, done = create(10), create(3)
    send(upload, mine, late, 0, b"abc")
    send(upload, mine, done, 0, b"abc")
    with shop.app_context():
        session.execute(update(Upload).values(expires_at=time.time() - 1))
        session.commit()
    assert upload.head(late, headers=mine).status_code == 410
    assert send(upload, mine, late, 3, b"def").status_code == 410
    assert upload.head(done, headers=mine).status_code == 200
    with shop.app_context():
        session.execute(update(Asset).values(touched_at=0))
        assert len(reconcile.expire(session, expiry_s=60)) == 1
        session.commit()
        assert [row.id for row in session.scalars(select(Upload))] == [done.rsplit("/", 1)[1]]
        assert len(session.scalars(select(Item)).all()) == 1
    assert upload.head(late, headers=mine).status_code == 404


def test_an_empty_file_is_refused_as_a_file_not_as_a_request(
    upload: FlaskClient, create: Callable[..., str], mine: Headers, shop: Flask
) -> None:
    path = create(0)
    assert upload.head(path, headers=mine).headers["Upload-Offset"] == "0"
    with shop.app_context():
        asset = session.scalars(select(Asset)).one()
        assert (asset.state, asset.reason) == (State.REJECTED, "empty")
