"""The text of tus as clients write it: understood, or refused with the right answer."""

import base64
from collections.abc import Callable
from contextlib import suppress

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from landing import BYTES, pairs
from sqlalchemy import select
from unloading import Headers, send, stored

from pipeline.catalog.models import Asset
from webapp.database import session
from webapp.uploads import protocol


def test_options_says_what_the_server_can_do(upload: FlaskClient) -> None:
    answer = upload.options("/files")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    named = set(answer.headers["Tus-Extension"].split(","))
    assert named == {"creation", "creation-with-upload", "termination", "checksum", "expiration"}
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,md5"
    assert int(answer.headers["Tus-Max-Size"]) == 8 * 2**30


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
        ({"Upload-Metadata": "intervention é"}, 400),
        ({"Upload-Checksum": "sha1 é"}, 400),
        ({"Upload-Metadata": pairs(intervention="gone")}, 404),
        ({"Upload-Metadata": pairs(intervention="019a0000-0000-7000-8000-00000000000\0")}, 404),
        ({"Upload-Metadata": "a" * 4001}, 400),
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


@pytest.mark.parametrize("sign", ["é", "Ж", "車", "🚗"])
def test_the_longest_caption_and_name_fit_in_any_script(
    upload: FlaskClient, create: Callable[..., str], mine: Headers, sign: str
) -> None:
    long = 300 // (len(sign.encode("utf-16-le")) // 2)  # as a phone counts
    path = create(3, caption=sign * long, filename=sign * (long * 2 // 3), key="7a0c", kind="film")
    assert upload.head(path, headers=mine).status_code == 200


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
        ("0", b"abc", {"Upload-Checksum": "sha1 \xe9"}, 400),
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


def test_methods_hidden_in_post_are_understood(upload: FlaskClient, create: Callable[..., str], mine: Headers) -> None:
    path = create(3)
    hidden = {**mine, **BYTES, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert upload.post(path, headers=hidden, data=b"abc").headers["Upload-Offset"] == "3"
    assert upload.post(path, headers={**mine, "X-HTTP-Method-Override": "DELETE"}).status_code == 204
    assert upload.post(path, headers={**mine, "X-HTTP-Method-Override": "TRACE"}).status_code == 405


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=300))
def test_any_metadata_header_is_either_understood_or_refused(header: str) -> None:
    with suppress(protocol.Refused):
        assert len(protocol.metadata(header)) == (header.count(",") + 1 if header.strip() else 0)


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
def test_any_value_of_a_header_is_either_understood_or_refused(value: str) -> None:
    with suppress(protocol.Refused):
        assert "filename" in protocol.metadata(f"filename {value}")
    for name in protocol.ALGORITHMS:
        with suppress(protocol.Refused):
            assert not protocol.Checksum(f"{name} {value}").matches()


@given(st.dictionaries(st.from_regex(r"[a-z]{1,10}", fullmatch=True), st.text(max_size=30), max_size=5))
def test_metadata_comes_back_as_it_was_sent(metadata: dict[str, str]) -> None:
    assert protocol.metadata(pairs(**metadata)) == metadata
