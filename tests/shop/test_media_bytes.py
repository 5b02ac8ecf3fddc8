"""What comes back on a signed media path: types, ranges, caching, and the name a download is saved under."""

import pytest
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient
from signing import media_prefix, output_id

from webapp.media.sending import pdf_name

SEGMENT = bytes([0]) * 1000


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
    response = client.get(f"{media_prefix(shop, paper, link)}{output_id(shop, paper, 'document')}/document.pdf")

    # Without a name, which would win over the one that the page gives an uncaptioned document.
    assert response.headers["Content-Disposition"] == "attachment"
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
    response = client.get(f"{media_prefix(shop, paper, link)}{output_id(shop, paper, 'document')}/document.pdf")
    disposition = response.headers["Content-Disposition"]

    assert disposition == 'attachment; filename="Our offer, with parts and labour.pdf"'
    assert "quote" not in disposition, "the file's name on the phone"
