"""The manager's page: the dealership, its logo, its people; and what everybody may change about themselves."""

import re
from io import BytesIO

import pytest
from cast import PASSWORD, sign_in
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, PngImagePlugin
from sqlalchemy import select

from webapp.accounts import logo
from webapp.accounts.models import Dealership, User
from webapp.database import session, storage

FORM = {"name": "Garage Lumière", "colour": "#b4552d", "phone": "01 45 67 89 01", "email": "", "address": "Lyon"}

NEW_PASSWORD = {"what": "password", "password": "a new long password", "again": "a new long password"}


def png(note: str = "") -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", note)
    made = BytesIO()
    Image.new("RGBA", (300, 120), (180, 85, 45, 200)).save(made, "PNG", pnginfo=info)
    return made.getvalue()


def dealer(shop: Flask, name: str = "Garage Lumière") -> Dealership:
    with shop.app_context():
        return session.scalars(select(Dealership).where(Dealership.name == name)).one()


def person(shop: Flask, name: str) -> User:
    with shop.app_context():
        return session.scalars(select(User).where(User.name == name)).one()


def test_the_manager_writes_down_the_dealership(shop: Flask, alice: FlaskClient) -> None:
    assert alice.post("/dealership", data=FORM).status_code == 302
    saved = dealer(shop)
    assert (saved.colour, saved.phone, saved.email) == ("#b4552d", "+33145678901", None)
    assert 'value="+33 1 45 67 89 01"' in alice.get("/dealership").text, "shown as people write it"


def test_a_wrong_colour_and_phone_are_both_named(shop: Flask, alice: FlaskClient) -> None:
    answer = alice.post("/dealership", data=FORM | {"colour": "red;}", "phone": "12"})
    assert answer.status_code == 422
    assert "#rrggbb" in answer.text
    assert "not a phone number" in answer.text
    assert dealer(shop).colour == "#1f6feb"


def test_a_logo_is_kept_without_what_rode_along(shop: Flask, alice: FlaskClient) -> None:
    given = png("taken by Théo, 45.75 N 4.85 E") + b"PK\x03\x04 something behind the end"
    assert alice.post("/dealership", data=FORM | {"logo": (BytesIO(given), "../logo.png")}).status_code == 302
    key = dealer(shop).logo_key
    assert key is not None
    with shop.app_context():
        kept = storage().get(key)
    assert b"45.75" not in kept
    assert b"something behind" not in kept
    with Image.open(BytesIO(kept)) as clean:
        assert (clean.format, clean.mode, clean.size, clean.info) == ("PNG", "RGBA", (300, 120), {})
    page = alice.get("/dealership").text
    assert alice.get(re.search(r'src="(/m/[^"]+logo\.png)"', page)[1]).data == kept


def test_no_transaction_is_open_while_a_logo_is_cleaned_and_stored(
    shop: Flask, alice: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, is_open = logo.keep, []

    def watched(dealership_id: str, given: bytes) -> str:
        is_open.append(session().in_transaction())
        return keep(dealership_id, given)

    monkeypatch.setattr(logo, "keep", watched)
    monkeypatch.setattr(logo.child, "run", lambda *_, out, **__: out.joinpath("logo.png").write_bytes(b"clean"))
    given = b"\x89PNG\r\n\x1a\n"
    assert alice.post("/dealership", data=FORM | {"logo": (BytesIO(given), "logo.png")}).status_code == 302
    assert is_open == [False]
    assert (dealer(shop).name, dealer(shop).logo_key is not None) == (FORM["name"], True)


@pytest.mark.parametrize(("size", "shown"), [((300, 120), False), ((200, 200), True)])
def test_the_pages_head_shows_a_logo_only_if_it_can_be_read_in_a_square(
    shop: Flask, alice: FlaskClient, size: tuple[int, int], shown: bool
) -> None:
    made = BytesIO()
    Image.new("RGB", size, (180, 85, 45)).save(made, "PNG")
    alice.post("/dealership", data=FORM | {"logo": (BytesIO(made.getvalue()), "logo.png")})
    tile = re.search(r'<span class="tile"[^>]*>(.*?)</span>', alice.get("/interventions").text)[1]
    assert ("<img" in tile) is shown
    assert (tile == "G") is not shown


def test_what_is_no_png_is_no_logo(shop: Flask, alice: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logo, "LIMIT", 5_000)
    for given in (b"<svg onload=alert(1)>", png() + b"x" * 5_000, png()[:60]):
        answer = alice.post("/dealership", data=FORM | {"logo": (BytesIO(given), "logo.png")})
        assert answer.status_code == 422
        assert "Choose a PNG" in answer.text
    assert dealer(shop).logo_key is None


def test_somebody_invited_chooses_a_password_once_and_signs_in(
    shop: Flask, alice: FlaskClient, client: FlaskClient
) -> None:
    data = {"name": "Dora", "email": "Dora@Example.org", "role": "advisor", "language": "fr"}
    page = alice.post("/dealership/people", data=data).text
    path = re.search(r'value="https?://[^/]+(/join/[^"]+)"', page)[1]
    assert "Dora" in client.get(path).text
    assert client.post(path, data={"password": "short", "again": "short"}).status_code == 422
    assert client.post(path, data={"password": PASSWORD, "again": PASSWORD}).status_code == 302
    assert client.get(path).status_code == 404, "the link works once"
    assert client.post("/login", data={"email": "dora@example.org", "password": PASSWORD}).status_code == 302
    assert client.get("/interventions").status_code == 200
    assert client.get("/dealership").status_code == 403


def test_an_address_is_invited_once(alice: FlaskClient) -> None:
    data = {"name": "Bob again", "email": "BOB@example.org", "role": "advisor", "language": "en"}
    assert alice.post("/dealership/people", data=data).status_code == 422


def test_access_taken_away_ends_at_once(shop: Flask, alice: FlaskClient, bob: FlaskClient) -> None:
    assert bob.get("/interventions").status_code == 200
    alice.post(f"/dealership/people/{person(shop, 'Bob').id}/stop")
    assert bob.get("/interventions").status_code == 302
    alice.post(f"/dealership/people/{person(shop, 'Bob').id}/start")
    assert bob.get("/interventions").status_code == 200


def test_a_manager_cannot_lock_herself_out(shop: Flask, alice: FlaskClient) -> None:
    assert alice.post(f"/dealership/people/{person(shop, 'Alice').id}/stop").status_code == 403


def test_charlie_changes_nobody_of_another_dealership(shop: Flask, charlie: FlaskClient) -> None:
    bob = person(shop, "Bob").id
    for what in ("invite", "stop", "start"):
        assert charlie.post(f"/dealership/people/{bob}/{what}").status_code == 404
    assert "Bob" not in charlie.get("/dealership").text


def test_a_technician_manages_nobody(bob: FlaskClient, client: FlaskClient) -> None:
    assert bob.get("/dealership").status_code == 403
    assert bob.post("/dealership/people", data={}).status_code == 403
    assert client.get("/dealership").status_code == 302


def test_bob_reads_french_from_now_on(bob: FlaskClient) -> None:
    assert bob.post("/me", data={"language": "fr"}).status_code == 302
    assert '<html lang="fr">' in bob.get("/interventions").text


@pytest.mark.parametrize("present", ["", "a guess of some length", NEW_PASSWORD["password"]])
def test_a_password_is_changed_only_by_who_knows_the_present_one(shop: Flask, bob: FlaskClient, present: str) -> None:
    before = person(shop, "Bob").password
    answer = bob.post("/me", data=NEW_PASSWORD | {"present": present})
    assert answer.status_code == 422
    assert "not your present password" in answer.text
    assert person(shop, "Bob").password == before


def test_a_new_password_keeps_this_session_and_ends_the_others(shop: Flask, bob: FlaskClient) -> None:
    elsewhere = sign_in(shop, "Bob")
    assert bob.post("/me", data=NEW_PASSWORD | {"present": PASSWORD}).status_code == 302
    assert bob.get("/interventions").status_code == 200
    assert elsewhere.get("/interventions").status_code == 302
