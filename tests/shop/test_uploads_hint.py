"""The index of a film, sent ahead of it: who may send it, what is taken, and what it leaves behind."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from unloading import Headers, send

from pipeline.catalog.models import Asset, Claim
from webapp.database import session, storage
from webapp.uploads import ahead
from webapp.uploads.models import Upload

SIZE = 10_000


def moov(length: int = 100, filling: bytes = b"a") -> bytes:
    return length.to_bytes(4, "big") + b"moov" + filling * (length - 8)


def put(upload: FlaskClient, who: Headers, path: str, body: bytes, offset: object = SIZE - 100, **more: str) -> object:
    headers = {"Content-Type": "application/octet-stream", **who, **more}
    return upload.put(f"{path}/index?offset={offset}", headers=headers, data=body)


def kept(shop: Flask, path: str) -> tuple[int | None, int | None, list[bytes]]:
    """Where the hint lies, as the row says, and every such object there is."""
    with shop.app_context():
        asset = session.get(Upload, path.rsplit("/", 1)[1]).asset
        objects = [storage().get(one.key) for one in storage().list(f"assets/{asset.id}/hints/")]
        return asset.hint_offset, asset.hint_length, objects


def test_an_index_sent_ahead_is_kept_and_again_is_harmless(
    shop: Flask, upload: FlaskClient, mine: Headers, create: Callable[..., str]
) -> None:
    path = create(SIZE)
    for _ in range(2):
        assert put(upload, mine, path, moov()).status_code == 204
        assert kept(shop, path) == (SIZE - 100, 100, [moov()])


def test_another_index_takes_the_place_of_the_first(
    shop: Flask, upload: FlaskClient, mine: Headers, create: Callable[..., str]
) -> None:
    path = create(SIZE)
    put(upload, mine, path, moov())
    assert put(upload, mine, path, moov(120, b"b"), SIZE - 120).status_code == 204
    assert kept(shop, path) == (SIZE - 120, 120, [moov(120, b"b")])


def test_few_other_indexes_are_taken_and_the_broker_is_asked_with_no_transaction_open(
    shop: Flask, upload: FlaskClient, mine: Headers, create: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    count, open_while_counting = ahead._count_another, []

    def counting() -> None:
        open_while_counting.append(session().in_transaction())
        count()

    monkeypatch.setattr(ahead, "_count_another", counting)
    path = create(SIZE)
    answers = [put(upload, mine, path, moov(100, bytes([filling]))).status_code for filling in range(5)]
    assert answers == [204, 204, 204, 204, 409]
    assert open_while_counting == [False] * 4
    assert kept(shop, path) == (SIZE - 100, 100, [moov(100, b"\3")])
    assert put(upload, mine, path, moov(100, b"\3")).status_code == 204, "the one that is there may come again"


def test_a_long_index_says_its_length_in_64_bits(
    shop: Flask, upload: FlaskClient, mine: Headers, create: Callable[..., str]
) -> None:
    body = b"\0\0\0\1moov" + (100).to_bytes(8, "big") + bytes(84)
    path = create(SIZE)
    assert put(upload, mine, path, body).status_code == 204
    assert kept(shop, path)[2] == [body]


@pytest.mark.parametrize(
    ("body", "offset", "status"),
    [
        (moov(), SIZE - 99, 400),
        (moov(), -1, 400),
        (moov(), "here", 400),
        (moov(), 10**18, 400),
        (b"", 0, 411),
        (moov()[:50], 0, 400),
        (moov() + b"!", 0, 400),
        (b"\0\0\0\x64mdat" + bytes(92), 0, 400),
        (b"\0\0\0\0moov" + bytes(92), 0, 400),
        (b"moov", 0, 400),
    ],
    ids=[
        *("past the end", "negative", "no number", "far away", "empty", "half a box", "more than a box"),
        *("another box", "a box to the end", "no box"),
    ],
)
def test_what_is_no_index_is_refused_and_leaves_nothing(
    shop: Flask,
    upload: FlaskClient,
    mine: Headers,
    create: Callable[..., str],
    body: bytes,
    offset: object,
    status: int,
) -> None:
    path = create(SIZE)
    assert put(upload, mine, path, body, offset).status_code == status
    assert kept(shop, path) == (None, None, [])


def test_an_index_that_is_too_large_is_refused_unread(
    upload: FlaskClient, mine: Headers, create: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "MOST_BYTES", 99)
    assert put(upload, mine, create(SIZE), moov()).status_code == 413


def test_an_index_needs_its_place_its_type_and_the_version(
    upload: FlaskClient, mine: Headers, create: Callable[..., str]
) -> None:
    path = create(SIZE)
    assert upload.put(f"{path}/index", headers={"Content-Type": "application/octet-stream", **mine}).status_code == 400
    assert put(upload, mine, path, moov(), **{"Content-Type": "video/mp4"}).status_code == 415
    assert put(upload, mine, path, moov(), **{"Tus-Resumable": "0.2.2"}).status_code == 412


def test_an_index_of_a_file_that_is_here_is_of_no_more_use(
    shop: Flask, upload: FlaskClient, mine: Headers, create: Callable[..., str]
) -> None:
    path = create(100)
    assert send(upload, mine, path, 0, moov()).status_code == 204
    assert put(upload, mine, path, moov(), 0).status_code == 409
    assert kept(shop, path) == (None, None, [])


def test_charlie_finds_no_upload_to_send_an_index_to(
    shop: Flask, upload: FlaskClient, token: Callable[[str], Headers], create: Callable[..., str]
) -> None:
    path = create(SIZE)
    assert put(upload, token("Autohaus Nord"), path, moov()).status_code == 404
    assert put(upload, {"Tus-Resumable": "1.0.0"}, path, moov()).status_code == 401
    assert kept(shop, path) == (None, None, [])


def test_an_index_goes_with_its_upload(
    shop: Flask, upload: FlaskClient, mine: Headers, create: Callable[..., str]
) -> None:
    path = create(SIZE)
    put(upload, mine, path, moov())
    with shop.app_context():
        asset_id = session.scalars(select(Asset.id)).one()
    assert upload.delete(path, headers=mine).status_code == 204
    assert put(upload, mine, path, moov()).status_code == 404
    with shop.app_context():
        assert session.scalars(select(Claim)).all() == []
        # The bytes go with the next sweep: the note to remove all that is stored for the asset is there.
        assert session.get(Asset, asset_id) is None


def test_a_browser_may_ask_before_it_sends(upload: FlaskClient, settings: object, create: Callable[..., str]) -> None:
    origin = settings.effective_public_url
    answer = upload.options(f"{create(SIZE)}/index", headers={"Origin": origin, "Access-Control-Request-Method": "PUT"})
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"].split(", ")


def test_a_fifth_different_index_of_one_film_is_refused(
    shop: Flask, upload: FlaskClient, mine: Headers, create: Callable[..., str]
) -> None:
    path = create(SIZE)
    for filling in (b"a", b"b", b"c", b"d"):
        assert put(upload, mine, path, moov(filling=filling)).status_code == 204
        assert put(upload, mine, path, moov(filling=filling)).status_code == 204  # the same again does not count
    assert put(upload, mine, path, moov(filling=b"e")).status_code == 409
    assert kept(shop, path) == (SIZE - 100, 100, [moov(filling=b"d")])
    assert put(upload, mine, path, moov(filling=b"d")).status_code == 204
    assert put(upload, mine, create(SIZE), moov()).status_code == 204  # another film counts for itself


def test_one_token_is_counted_once_however_its_header_is_written(
    upload: FlaskClient, mine: Headers, create: Callable[..., str]
) -> None:
    path, text = create(SIZE), mine["Authorization"].split(" ")[1]
    for turn in range(60):
        spelt = "bEaReR"[: turn % 6] + "bearer"[turn % 6 :] + " " * (turn % 5 + 1) + text
        assert put(upload, mine, path, moov(), **{"Authorization": spelt}).status_code == 204
    assert put(upload, mine, path, moov(), **{"Authorization": f"BEARER    {text} "}).status_code == 429


def test_an_index_that_trickles_in_is_given_up(
    shop: Flask, upload: FlaskClient, mine: Headers, create: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = create(SIZE)
    monkeypatch.setattr(ahead, "PATIENCE_S", 0.0)
    assert put(upload, mine, path, moov()).status_code == 408
    assert kept(shop, path) == (None, None, [])
