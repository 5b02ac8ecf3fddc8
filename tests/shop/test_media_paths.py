"""Signed media paths: who may follow them, and what comes back."""

import time
from collections.abc import Callable

import pytest
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient
from flask_security.utils import login_user
from sqlalchemy import select

from pipeline.catalog.models import Output
from webapp.accounts.models import User
from webapp.customers import links
from webapp.customers.models import Link
from webapp.database import session
from webapp.interventions.models import Intervention
from webapp.media import sign
from webapp.media.sending import pdf_name

SEGMENT = bytes([0]) * 1000


@pytest.fixture
def film(finisher: Finisher, intervention: str) -> str:
    return finisher.film(intervention)


@pytest.fixture
def link(shop: Flask, intervention: str) -> str:
    return _issue(shop, intervention)


@pytest.fixture
def prefix(shop: Flask, film: str, link: str) -> str:
    """The film's signed prefix for the customer."""
    return _prefix(shop, film, link)


def test_a_playlist_names_output_ids_and_paths_only(client: FlaskClient, prefix: str, shop: Flask, film: str) -> None:
    index = client.get(prefix + "index.m3u8")
    media = client.get(prefix + "720p.m3u8")

    assert index.content_type == "application/vnd.apple.mpegurl"
    assert "720p.m3u8" in index.text
    uris = [line for line in media.text.splitlines() if line and not line.startswith("#")]
    assert uris == [f"{_output(shop, film, f'chunk/000{n}')}/720p-000.m4s" for n in (0, 1)]
    assert client.get(prefix + uris[0]).data == SEGMENT


def test_playlists_are_compressed_and_never_kept(client: FlaskClient, prefix: str) -> None:
    response = client.get(prefix + "720p.m3u8", headers={"Accept-Encoding": "gzip"})

    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Cache-Control"] == "no-store"


def test_media_can_only_be_what_the_row_says(client: FlaskClient, prefix: str, segment: str) -> None:
    response = client.get(segment)

    assert response.content_type == "video/iso.segment"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "private" in response.headers["Cache-Control"]
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["Referrer-Policy"] == "no-referrer"


@pytest.fixture
def segment(shop: Flask, prefix: str, film: str) -> str:
    return f"{prefix}{_output(shop, film, 'chunk/0001')}/720p-000.m4s"


@pytest.mark.parametrize(
    ("asked", "status", "sent", "said"),
    [
        ("bytes=0-99", 206, 100, "bytes 0-99/1000"),
        ("bytes=900-", 206, 100, "bytes 900-999/1000"),
        ("bytes=-10", 206, 10, "bytes 990-999/1000"),
        ("bytes=900-5000", 206, 100, "bytes 900-999/1000"),
        ("bytes=0-9,20-29", 200, 1000, None),
        ("items=0-9", 200, 1000, None),
    ],
)
def test_a_range_brings_just_its_bytes(
    client: FlaskClient, segment: str, asked: str, status: int, sent: int, said: str | None
) -> None:
    response = client.get(segment, headers={"Range": asked})

    assert response.status_code == status
    assert response.data == bytes([1]) * sent
    assert response.headers.get("Content-Range") == said
    assert response.content_length == sent


def test_a_range_outside_the_file_says_how_large_it_is(client: FlaskClient, segment: str) -> None:
    response = client.get(segment, headers={"Range": "bytes=1000-"})

    assert response.status_code == 416
    assert response.headers["Content-Range"] == "bytes */1000"


def test_a_range_of_another_version_brings_the_whole(client: FlaskClient, segment: str) -> None:
    headers = {"Range": "bytes=0-99", "If-Range": '"another"'}
    assert client.get(segment, headers=headers).status_code == 200
    headers["If-Range"] = client.head(segment).headers["ETag"]
    assert client.get(segment, headers=headers).status_code == 206


def test_head_tells_the_size_and_reads_nothing(client: FlaskClient, segment: str, shop: Flask, film: str) -> None:
    shop.extensions["storage"].delete_prefix("")  # whoever reads now finds nothing
    response = client.head(segment)

    assert response.status_code == 200
    assert response.content_length == 1000
    assert response.headers["Accept-Ranges"] == "bytes"


def test_what_the_browser_holds_is_not_sent_again(client: FlaskClient, segment: str) -> None:
    response = client.get(segment, headers={"If-None-Match": client.get(segment).headers["ETag"]})

    assert response.status_code == 304
    assert response.data == b""


def test_bytes_that_are_gone_are_a_404_and_not_a_broken_film(client: FlaskClient, segment: str, shop: Flask) -> None:
    shop.extensions["storage"].delete_prefix("")
    assert client.get(segment).status_code == 404


def test_a_document_comes_as_a_download(
    client: FlaskClient, finisher: Finisher, intervention: str, shop: Flask, link: str
) -> None:
    paper = finisher.document(intervention)
    response = client.get(f"{_prefix(shop, paper, link)}{_output(shop, paper, 'document')}/document.pdf")

    assert response.headers["Content-Disposition"] == "attachment; filename=document.pdf"
    assert response.data.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("caption", "name"),
    [
        ("Our offer, with parts and labour.", "Our offer, with parts and labour.pdf"),
        ("Mégane: offre n° 3", "Mégane offre n 3.pdf"),
        ('../../etc/"passwd\r\nX: y', "etc passwd X y.pdf"),
        ("...", "document.pdf"),
        ("", "document.pdf"),
    ],
)
def test_a_download_is_named_after_its_caption_and_never_after_the_phones_file(caption: str, name: str) -> None:
    assert pdf_name(caption) == name


def test_the_customer_saves_a_document_with_one_full_stop(
    client: FlaskClient, finisher: Finisher, intervention: str, shop: Flask, link: str
) -> None:
    paper = finisher.document(intervention, caption="Our offer, with parts and labour.")
    response = client.get(f"{_prefix(shop, paper, link)}{_output(shop, paper, 'document')}/document.pdf")
    disposition = response.headers["Content-Disposition"]

    assert disposition == 'attachment; filename="Our offer, with parts and labour.pdf"'
    assert "quote" not in disposition, "the file's name on the phone"


@pytest.mark.parametrize("place", [3, 20, 30, -5])
def test_a_prefix_with_one_character_changed_opens_nothing(client: FlaskClient, prefix: str, place: int) -> None:
    assert client.get(prefix + "index.m3u8").status_code == 200
    changed = prefix[:place] + ("0" if prefix[place] != "0" else "1") + prefix[place + 1 :]
    assert client.get(changed + "index.m3u8").status_code == 404


def test_a_later_expiry_cannot_be_written_into_a_prefix(client: FlaskClient, prefix: str) -> None:
    _, _, signature, *rest = prefix.split("/")
    expiry, mac = signature.split(".")
    later = "/".join(["", "m", f"{int(expiry) + 3600}.{mac}", *rest])
    assert client.get(later + "index.m3u8").status_code == 404


@pytest.mark.parametrize(
    "signature", ["", ".", "1.", "９９９９９９９９９９.x", "-1.x", "1e9.x", "99999999999999999999.x", "é.é"]
)
def test_a_signature_that_is_none_opens_nothing(client: FlaskClient, prefix: str, signature: str) -> None:
    _, _, _, *rest = prefix.split("/")
    assert client.get("/".join(["", "m", signature, *rest]) + "index.m3u8").status_code == 404


def test_a_prefix_ends_at_its_hour(client: FlaskClient, shop: Flask, film: str, link: str) -> None:
    with shop.test_request_context():
        over = sign.path(film, link, expires=time.time() - 1)
    assert client.get(over + "index.m3u8").status_code == 404


def test_two_pages_opened_soon_after_another_share_their_pictures(shop: Flask, film: str, link: str) -> None:
    assert len({_prefix(shop, film, link) for _ in range(5)}) <= 2


def test_a_revoked_link_stops_the_film_in_the_middle(client: FlaskClient, segment: str, shop: Flask, link: str) -> None:
    assert client.get(segment).status_code == 200
    with shop.app_context():
        links.revoke(session.get_one(Link, link))
        session.commit()
    assert client.get(segment).status_code == 404
    assert client.head(segment).status_code == 404


def test_an_expired_link_stops_the_film_too(client: FlaskClient, segment: str, shop: Flask, link: str) -> None:
    with shop.app_context():
        session.get_one(Link, link).expires_at = time.time() - 1
        session.commit()
    assert client.get(segment).status_code == 404


def test_a_link_opens_only_its_own_interventions_media(
    client: FlaskClient, shop: Flask, finisher: Finisher, add_intervention: Callable[..., str], link: str
) -> None:
    other = finisher.film(add_intervention("RO-2", dealer="Autohaus Nord"))
    assert client.get(_prefix(shop, other, link) + "index.m3u8").status_code == 404


def test_a_prefix_of_one_film_does_not_reach_into_another(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str, prefix: str
) -> None:
    other = finisher.film(intervention)
    assert client.get(f"{prefix}{_output(shop, other, 'chunk/0000')}/720p-000.m4s").status_code == 404


@pytest.mark.parametrize("path", ["../../secret.key", "..%2f..%2fsecret.key", "720p-000.m4s%00", "nothing.mp4"])
def test_only_recorded_files_can_be_named(client: FlaskClient, shop: Flask, prefix: str, film: str, path: str) -> None:
    assert client.get(f"{prefix}{_output(shop, film, 'chunk/0000')}/{path}").status_code == 404


def test_staff_see_their_own_dealers_films_in_their_own_session(
    bob: FlaskClient, alice: FlaskClient, charlie: FlaskClient, client: FlaskClient, shop: Flask, film: str
) -> None:
    path = _staff_path(shop, "Bob", film) + "index.m3u8"

    assert bob.get(path).status_code == 200
    assert alice.get(path).status_code == 404  # somebody else's session, although a colleague's
    assert charlie.get(path).status_code == 404
    assert client.get(path).status_code == 404


def test_charlie_cannot_sign_his_way_to_another_dealers_film(charlie: FlaskClient, shop: Flask, film: str) -> None:
    assert charlie.get(_staff_path(shop, "Charlie", film) + "index.m3u8").status_code == 404


def test_a_film_that_cannot_begin_yet_has_no_playlist(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str, link: str
) -> None:
    waiting = finisher.film(intervention, chunks=0)
    assert client.get(_prefix(shop, waiting, link) + "index.m3u8").status_code == 404


def _issue(shop: Flask, intervention: str) -> str:
    with shop.app_context():
        link, _ = links.issue(session.get_one(Intervention, intervention))
        session.commit()
        return link.id


def _prefix(shop: Flask, asset: str, link: str) -> str:
    with shop.test_request_context():
        return sign.path(asset, link)


def _staff_path(shop: Flask, name: str, asset: str) -> str:
    with shop.test_request_context():
        login_user(session.scalar(select(User).where(User.name == name)))
        return sign.path(asset)


def _output(shop: Flask, asset: str, name: str) -> str:
    with shop.app_context():
        return session.scalar(select(Output.id).where(Output.asset_id == asset, Output.name == name))
