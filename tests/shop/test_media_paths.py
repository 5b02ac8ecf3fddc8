"""Signed media paths: who may follow them, and where they end."""

import time
from collections.abc import Callable

import pytest
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient
from signing import media_prefix, output_id, staff_prefix

from webapp.customers import links
from webapp.customers.models import Link
from webapp.database import session
from webapp.media import sign

SEGMENT = bytes([0]) * 1000


def test_a_playlist_names_output_ids_and_paths_only(client: FlaskClient, prefix: str, shop: Flask, film: str) -> None:
    index = client.get(prefix + "index.m3u8")
    media = client.get(prefix + "720p.m3u8")

    assert index.content_type == "application/vnd.apple.mpegurl"
    assert "720p.m3u8" in index.text
    uris = [line for line in media.text.splitlines() if line and not line.startswith("#")]
    assert uris == [f"{output_id(shop, film, f'chunk/000{n}')}/720p-000.m4s" for n in (0, 1)]
    assert client.get(prefix + uris[0]).data == SEGMENT


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
    assert len({media_prefix(shop, film, link) for _ in range(5)}) <= 2


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
    assert client.get(media_prefix(shop, other, link) + "index.m3u8").status_code == 404


def test_a_prefix_of_one_film_does_not_reach_into_another(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str, prefix: str
) -> None:
    other = finisher.film(intervention)
    assert client.get(f"{prefix}{output_id(shop, other, 'chunk/0000')}/720p-000.m4s").status_code == 404


@pytest.mark.parametrize("path", ["../../secret.key", "..%2f..%2fsecret.key", "720p-000.m4s%00", "nothing.mp4"])
def test_only_recorded_files_can_be_named(client: FlaskClient, shop: Flask, prefix: str, film: str, path: str) -> None:
    assert client.get(f"{prefix}{output_id(shop, film, 'chunk/0000')}/{path}").status_code == 404


def test_staff_see_their_own_dealers_films_in_their_own_session(
    bob: FlaskClient, alice: FlaskClient, charlie: FlaskClient, client: FlaskClient, shop: Flask, film: str
) -> None:
    path = staff_prefix(shop, "Bob", film) + "index.m3u8"

    assert bob.get(path).status_code == 200
    assert alice.get(path).status_code == 404  # somebody else's session, although a colleague's
    assert charlie.get(path).status_code == 404
    assert client.get(path).status_code == 404


def test_charlie_cannot_sign_his_way_to_another_dealers_film(charlie: FlaskClient, shop: Flask, film: str) -> None:
    assert charlie.get(staff_prefix(shop, "Charlie", film) + "index.m3u8").status_code == 404


def test_a_film_that_cannot_begin_yet_has_no_playlist(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str, link: str
) -> None:
    waiting = finisher.film(intervention, chunks=0)
    assert client.get(media_prefix(shop, waiting, link) + "index.m3u8").status_code == 404
