"""The edges of tus, asked of the upload application itself. The network's part is in test_uploads_network."""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from landing import BYTES, TUS, pairs
from sqlalchemy import select, update

from pipeline.catalog import reconcile
from pipeline.catalog.models import Asset, Outbox, Part, State
from webapp.accounts.access import issue_token
from webapp.accounts.models import Dealership, User
from webapp.app import create_app
from webapp.database import session, storage
from webapp.interventions.models import Item
from webapp.uploads import protocol, tokens
from webapp.uploads.models import Upload
from workers.settings import Settings

Headers = dict[str, str]


@pytest.fixture
def upload(shop: Flask, settings: Settings) -> Iterator[FlaskClient]:
    """The upload process' application on the shop's database and storage."""
    app = create_app(settings, "upload")
    app.config["TESTING"] = True
    yield app.test_client()
    app.extensions["engine"].dispose()


@pytest.fixture
def token(shop: Flask) -> Callable[[str], Headers]:
    """`token("Garage Lumière")` → the headers of a program of that dealer."""

    def issue(dealer: str = "Garage Lumière") -> Headers:
        with shop.app_context():
            _, text = issue_token(session.scalar(select(Dealership).where(Dealership.name == dealer)), "test")
            session.commit()
        return {**TUS, "Authorization": f"Bearer {text}"}

    return issue


@pytest.fixture
def mine(token: Callable[[str], Headers]) -> Headers:
    return token("Garage Lumière")


def path_of(answer: object) -> str:
    assert answer.status_code == 201, answer.text
    return "/files/" + answer.headers["Location"].rsplit("/", 1)[1]


@pytest.fixture
def create(upload: FlaskClient, mine: Headers, intervention: str) -> Callable[..., str]:
    """`create(size, **metadata)` → the path of a new upload of dealer A."""

    def create(size: int, **metadata: str) -> str:
        named = pairs(**({"intervention": intervention, "kind": "film", "filename": "IMG_1.MOV"} | metadata))
        return path_of(upload.post("/files", headers={**mine, "Upload-Length": str(size), "Upload-Metadata": named}))

    return create


def send(upload: FlaskClient, who: Headers, path: str, offset: int, data: bytes, **more: str) -> object:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return upload.patch(path, headers={**BYTES, **who, "Upload-Offset": str(offset), **named}, data=data)


def stored(shop: Flask, path: str) -> bytes:
    """What the storage holds of an upload, put together from its parts."""
    with shop.app_context():
        asset = session.get(Upload, path.rsplit("/", 1)[1]).asset
        return b"".join(storage().get(part.key) for part in asset.parts)


def test_options_says_what_the_server_can_do(upload: FlaskClient) -> None:
    answer = upload.options("/files")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    named = set(answer.headers["Tus-Extension"].split(","))
    assert named == {"creation", "creation-with-upload", "termination", "checksum", "expiration"}
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,md5"
    assert int(answer.headers["Tus-Max-Size"]) == 8 * 2**30


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


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": None}, 400),
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "ten"}, 400),
        ({"Upload-Length": "1e3"}, 400),
        ({"Upload-Length": "٣"}, 400),
        ({"Upload-Length": str(8 * 2**30 + 1)}, 413),
        ({"Upload-Defer-Length": "1"}, 400),
        ({"Upload-Concat": "partial"}, 400),
        ({"Upload-Metadata": ""}, 400),
        ({"Upload-Metadata": "intervention"}, 400),
        ({"Upload-Metadata": "intervention !!!"}, 400),
        ({"Upload-Metadata": "intervention /////w=="}, 400),
        ({"Upload-Metadata": pairs(intervention="gone")}, 404),
        ({"Upload-Metadata": "a" * 2001}, 400),
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Tus-Resumable": None}, 412),
        ({"Authorization": None}, 401),
        ({"Authorization": "Bearer wu_forged"}, 401),
        ({"Authorization": "Basic d2E6d2E="}, 401),
    ],
    ids=str,
)
def test_a_bad_creation_gets_the_right_answer_and_leaves_nothing(
    upload: FlaskClient, mine: Headers, intervention: str, shop: Flask, headers: dict[str, str | None], status: int
) -> None:
    good = {**mine, "Upload-Length": "10", "Upload-Metadata": pairs(intervention=intervention)}
    sent = {name: value.encode().decode("latin-1") for name, value in (good | headers).items() if value is not None}
    answer = upload.post("/files", headers=sent)
    assert answer.status_code == status
    assert len(answer.text.splitlines()) == 1
    with shop.app_context():
        assert session.scalars(select(Asset)).all() == []


@pytest.mark.parametrize(
    "metadata",
    [{"kind": "song"}, {"caption": "x" * 301}, {"key": "x" * 101}],
    ids=lambda metadata: next(iter(metadata)),
)
def test_bad_metadata_is_named(upload: FlaskClient, mine: Headers, intervention: str, metadata: dict[str, str]) -> None:
    named = pairs(intervention=intervention, **metadata)
    answer = upload.post("/files", headers={**mine, "Upload-Length": "1", "Upload-Metadata": named})
    assert answer.status_code == 400
    assert next(iter(metadata)) in answer.text


@pytest.mark.parametrize(
    ("offset", "data", "more", "status"),
    [
        ("3", b"abc", {}, 409),
        ("11", b"abc", {}, 409),
        ("0", b"abcdefghijk", {}, 413),
        ("", b"abc", {}, 400),
        ("-1", b"abc", {}, 400),
        ("0", b"abc", {"Content-Type": "application/octet-stream"}, 415),
        ("0", b"abc", {"Tus-Resumable": "2.0.0"}, 412),
        ("0", b"abc", {"Upload-Checksum": "crc7 AAAA"}, 400),
        ("0", b"abc", {"Upload-Checksum": "sha1 AAAA"}, 400),
        ("0", b"abc", {"Upload-Checksum": "sha1 ????"}, 400),
        ("0", b"abc", {"Upload-Checksum": "sha1 " + base64.b64encode(b"x" * 20).decode()}, 460),
    ],
    ids=str,
)
def test_a_bad_patch_gets_the_right_answer_and_harms_nothing(
    upload: FlaskClient,
    create: Callable[..., str],
    mine: Headers,
    shop: Flask,
    offset: str,
    data: bytes,
    more: Headers,
    status: int,
) -> None:
    path = create(10)
    answer = upload.patch(path, headers={**BYTES, **mine, "Upload-Offset": offset, **more}, data=data)
    assert answer.status_code == status
    assert upload.head(path, headers=mine).headers["Upload-Offset"] == "0"
    assert send(upload, mine, path, 0, b"0123456789").status_code == 204
    assert stored(shop, path) == b"0123456789"


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


def test_an_upload_is_nobody_elses(
    upload: FlaskClient, create: Callable[..., str], token: Callable[[str], Headers], mine: Headers, intervention: str
) -> None:
    path, charlie = create(10), token("Autohaus Nord")
    assert upload.head(path, headers=charlie).status_code == 404
    assert send(upload, charlie, path, 0, b"abc").status_code == 404
    assert upload.delete(path, headers=charlie).status_code == 404
    creation = {**charlie, "Upload-Length": "3", "Upload-Metadata": pairs(intervention=intervention)}
    assert upload.post("/files", headers=creation).status_code == 404
    assert upload.head(path, headers=mine).headers["Upload-Offset"] == "0"


def test_an_unknown_upload_is_not_there(upload: FlaskClient, mine: Headers) -> None:
    unknown = "/files/5d5a2a2e-7c0f-4b7a-8f5a-1d2f3c4b5a69"
    assert upload.head(unknown, headers=mine).status_code == 404
    assert send(upload, mine, unknown, 0, b"abc").status_code == 404
    assert upload.delete(unknown, headers=mine).status_code == 404


def test_the_pages_token_opens_its_own_intervention_only(
    upload: FlaskClient, shop: Flask, settings: Settings, add_intervention: Callable[..., str]
) -> None:
    here, there = add_intervention("RO-1"), add_intervention("RO-2")
    with shop.app_context():
        bob = session.scalar(select(User).where(User.name == "Bob")).id
    text = tokens.issue(settings.effective_secret_key, bob, here)
    who = {**TUS, "Authorization": f"Bearer {text}", "Upload-Length": "3"}
    path = path_of(upload.post("/files", headers={**who, "Upload-Metadata": pairs(intervention=here)}))
    assert upload.post("/files", headers={**who, "Upload-Metadata": pairs(intervention=there)}).status_code == 404
    other = {**TUS, "Authorization": "Bearer " + tokens.issue(settings.effective_secret_key, bob, there)}
    assert upload.head(path, headers=other).status_code == 404


def test_the_pages_token_ends_with_its_time_and_with_the_person(
    upload: FlaskClient, shop: Flask, settings: Settings, intervention: str
) -> None:
    secret = settings.effective_secret_key
    with shop.app_context():
        bob = session.scalar(select(User).where(User.name == "Bob")).id
    text = tokens.issue(secret, bob, intervention)
    assert tokens.read(secret, text) == (bob, intervention)
    assert tokens.read(secret, text, max_age_s=-1) is None
    assert tokens.read("another secret", text) is None
    with shop.app_context():
        session.execute(update(User).where(User.id == bob).values(active=False))
        session.commit()
    headers = {**TUS, "Authorization": f"Bearer {text}", "Upload-Length": "3"}
    assert upload.post("/files", headers=headers).status_code == 401


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


def test_methods_hidden_in_post_are_understood(upload: FlaskClient, create: Callable[..., str], mine: Headers) -> None:
    path = create(3)
    hidden = {**mine, **BYTES, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert upload.post(path, headers=hidden, data=b"abc").headers["Upload-Offset"] == "3"
    assert upload.post(path, headers={**mine, "X-HTTP-Method-Override": "DELETE"}).status_code == 204
    assert upload.post(path, headers={**mine, "X-HTTP-Method-Override": "TRACE"}).status_code == 405


def test_originals_are_given_out_only_where_a_setting_says_so(
    upload: FlaskClient, create: Callable[..., str], mine: Headers, settings: Settings
) -> None:
    path = create(3)
    send(upload, mine, path, 0, b"abc")
    assert upload.get(path, headers=mine).status_code == 405
    app = create_app(settings.model_copy(update={"tus_get": True}), "upload")
    assert app.test_client().get(path, headers=mine).data == b"abc"
    assert app.test_client().get(path).status_code == 401
    app.extensions["engine"].dispose()


def test_only_our_own_pages_may_upload_from_a_browser(
    upload: FlaskClient, settings: Settings, create: Callable[..., str], mine: Headers
) -> None:
    ours, theirs = {"Origin": settings.effective_public_url}, {"Origin": "https://evil.example"}
    allowed = upload.options("/files", headers=ours).headers
    assert allowed["Access-Control-Allow-Origin"] == settings.effective_public_url
    assert {"PATCH", "HEAD", "POST", "DELETE"} <= set(allowed["Access-Control-Allow-Methods"].split(", "))
    assert "Upload-Offset" in allowed["Access-Control-Allow-Headers"]
    exposed = upload.head(create(3), headers={**mine, **ours}).headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Location", "Upload-Offset", "Upload-Length", "Upload-Expires"} <= set(exposed)
    assert "Access-Control-Allow-Origin" not in upload.options("/files", headers=theirs).headers
    assert "Access-Control-Allow-Origin" in upload.post("/files", headers=ours).headers  # the page may read refusals


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=300))
def test_any_metadata_header_is_either_understood_or_refused(header: str) -> None:
    with suppress(protocol.Refused):
        assert len(protocol.metadata(header)) == (header.count(",") + 1 if header.strip() else 0)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,10}", fullmatch=True), st.text(max_size=30), max_size=5))
def test_metadata_comes_back_as_it_was_sent(metadata: dict[str, str]) -> None:
    assert protocol.metadata(pairs(**metadata)) == metadata
