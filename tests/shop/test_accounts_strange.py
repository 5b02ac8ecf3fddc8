"""What no person types: NUL, control characters, ids and numbers that are none, asked of PostgreSQL."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import servers
from cast import PASSWORD, add_dealership, add_person, sign_in
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from pipeline.catalog.models import Base
from webapp.accounts.access import issue_token
from webapp.accounts.models import Dealership, RoleName
from webapp.app import create_app
from webapp.customers import links
from webapp.database import session
from webapp.interventions.models import Intervention, Item
from webapp.media import sign
from workers.settings import Settings

NUL = "%00"


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with servers.postgresql() as address:
        yield address


@pytest.fixture
def shop(settings: Settings, postgresql: str) -> Iterator[Flask]:
    app = create_app(settings.model_copy(update={"database_url": postgresql}), "web")
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    Base.metadata.create_all(app.extensions["engine"])
    with app.app_context():
        add_person(add_dealership("Garage Lumière"), "Alice", RoleName.MANAGER)
    yield app
    with app.app_context():
        session.remove()
    Base.metadata.drop_all(app.extensions["engine"])
    app.extensions["engine"].dispose()


def bearer(shop: Flask) -> dict[str, str]:
    with shop.app_context():
        _, text = issue_token(session.scalars(select(Dealership)).one(), "test")
        session.commit()
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize("strange", [NUL, "a%00b", "none", "%ED%A0%80", "x" * 300])
def test_an_id_that_is_none_is_not_found(shop: Flask, intervention: str, strange: str) -> None:
    alice, program = sign_in(shop, "Alice"), bearer(shop)
    pages = [f"/interventions/{strange}{more}" for more in ("", "/edit", "/media", "/preview", "/capture")]
    for path in [*pages, f"/interventions/items/{strange}/figure", f"/w/{strange}", f"/v/{strange}"]:
        assert alice.get(path).status_code == 404, path
    assert alice.post(f"/interventions/{intervention}/links/{strange}/revoke").status_code == 404
    for path in (f"interventions/{strange}", f"interventions/{strange}/links", f"assets/{strange}"):
        assert alice.get(f"/api/v1/{path}", headers=program).status_code == 404, path
    assert alice.delete(f"/api/v1/links/{strange}", headers=program).status_code == 404
    assert alice.get(f"/api/v1/interventions?q={strange[:99]}&after={strange}", headers=program).status_code in (
        200,
        422,
    )
    assert alice.get(f"/interventions?q={strange}&stage={strange}").status_code == 200


def test_a_signed_path_to_no_output_is_not_found(shop: Flask, intervention: str, finisher: Finisher) -> None:
    film = finisher.film(intervention)
    with shop.app_context():
        link, _ = links.issue(session.get_one(Intervention, intervention))
        session.commit()
        prefix = sign.path(film, link.id)
    assert shop.test_client().get(f"{prefix}index.m3u8").status_code == 200
    assert shop.test_client().get(f"{prefix}{NUL}/poster.jpg").status_code == 404


def test_texts_are_kept_without_what_nobody_can_type(shop: Flask, intervention: str, finisher: Finisher) -> None:
    alice, program = sign_in(shop, "Alice"), bearer(shop)
    finisher.photo(intervention)
    dirty = "Front\x00 bra\u202ekes\x1b"
    form = {"reference": "RO\x00-5", "make": dirty, "asked": "one\ntwo\x00", "customer_language": "en"}
    assert alice.post("/interventions/new", data=form).status_code == 302
    body: dict[str, Any] = {"reference": "RO-6\x00", "make": dirty, "asked": "one\ntwo\x00"}
    made = alice.post("/api/v1/interventions", json=body, headers=program)
    assert made.status_code == 201, made.text
    with shop.app_context():
        rows = {row.reference: row for row in session.scalars(select(Intervention))}
        for reference in ("RO-5", "RO-6"):
            assert (rows[reference].make, rows[reference].asked.splitlines()) == ("Front brakes", ["one", "two"])
        item, asset = session.execute(select(Item.id, Item.asset_id)).one()
    assert alice.post(f"/interventions/items/{item}/caption", data={"caption": dirty}).status_code == 302
    assert alice.get(f"/api/v1/assets/{asset}", headers=program).json["caption"] == "Front brakes"
    changed = alice.patch(f"/api/v1/assets/{asset}", json={"caption": f"{dirty}!"}, headers=program)
    assert changed.json["caption"] == "Front brakes!"
    link = alice.post(f"/api/v1/interventions/{intervention}/links", json={"recipient": dirty}, headers=program)
    assert link.json["recipient"] == "Front brakes"
    assert alice.post(f"/interventions/{intervention}/links", data={"recipient": dirty}).status_code == 200
    dealership = {"name": dirty, "colour": "#b4552d", "address": "Lyon\x00"}
    assert alice.post("/dealership", data=dealership).status_code == 302


@pytest.mark.parametrize("words", ["elodie muller", "ÉLODIE", "E-Klasse", "eklasse", "müller"])
def test_a_name_is_found_without_its_accents_and_capitals(
    shop: Flask, add_intervention: Callable[..., str], words: str
) -> None:
    add_intervention("RO-5", customer_name="Élodie Müller", model="E-Klasse")
    add_intervention("RO-6", customer_name="Nadia Benali", model="Duster")
    alice = sign_in(shop, "Alice")
    found = alice.get("/api/v1/interventions", query_string={"q": words}, headers=bearer(shop))
    assert [one["reference"] for one in found.json["items"]] == ["RO-5"]


def test_what_is_too_large_for_a_database_is_no_failure_of_ours(shop: Flask) -> None:
    alice, huge = sign_in(shop, "Alice"), "9" * 20
    assert alice.get(f"/interventions?page={huge}").status_code == 200
    assert alice.post(f"/dealership/people/{huge}/stop").status_code == 404
    form = {"reference": "RO-7", "plate": "ß" * 20}  # whose capitals are twice as many
    assert alice.post("/interventions/new", data=form).status_code == 302


def test_half_a_character_in_json_is_no_failure_of_ours(shop: Flask) -> None:
    body = b'{"reference": "RO-7", "make": "\\ud800"}'
    answer = shop.test_client().post(
        "/api/v1/interventions", data=body, headers=bearer(shop), content_type="application/json"
    )
    assert answer.status_code in (201, 422)


@pytest.mark.parametrize("email", ["alice@example.org\x00", "\x00", "x" * 400])
def test_a_strange_address_signs_nobody_in(shop: Flask, email: str) -> None:
    answer = shop.test_client().post("/login", data={"email": email, "password": PASSWORD + "\x00"})
    assert answer.status_code == 200


@pytest.mark.parametrize("words", ["mueller", "MÜLLER", "0639981234"])
def test_a_customer_is_found_in_postgresql_too(
    shop: Flask, alice: FlaskClient, add_intervention: Callable[..., str], words: str
) -> None:
    add_intervention(customer_name="Jutta Müller", customer_phone="+33639981234")
    assert "Jutta Müller" in alice.get("/interventions", query_string={"q": words}).text
