"""The JSON API, as another program uses it."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from pipeline.catalog.models import Asset
from webapp.accounts.access import issue_token
from webapp.accounts.models import ApiToken, Dealership
from webapp.customers.models import Link
from webapp.database import session

Ask = Callable[..., Any]


@pytest.fixture
def token(shop: Flask) -> Callable[[str], dict[str, str]]:
    def header(dealer: str) -> dict[str, str]:
        with shop.app_context():
            owner = session.scalars(select(Dealership).where(Dealership.name == dealer)).one()
            _, text = issue_token(owner, "test")
            session.commit()
        return {"Authorization": f"Bearer {text}"}

    return header


@pytest.fixture
def ask(client: FlaskClient, token: Callable[[str], dict[str, str]]) -> Ask:
    headers = token("Garage Lumière")
    return lambda method, path, **more: client.open(f"/api/v1{path}", method=method, headers=headers, **more)


@pytest.fixture
def outsider(client: FlaskClient, token: Callable[[str], dict[str, str]]) -> Ask:
    headers = token("Autohaus Nord")
    return lambda method, path, **more: client.open(f"/api/v1{path}", method=method, headers=headers, **more)


def test_an_intervention_is_created_read_changed_listed_and_erased(ask: Ask) -> None:
    body = {"reference": "RO-7", "plate": "gb-123-lm", "customer_phone": "06 12 34 56 78", "vin": "vf1rfb00x56789012"}
    made = ask("POST", "/interventions", json=body)
    assert made.status_code == 201, made.text
    assert made.json["customer_phone"] == "+33612345678"
    assert made.json["plate"] == "GB-123-LM"
    assert made.json["vin"] == "VF1RFB00X56789012"
    assert made.json["stage"] == "empty"
    path = made.headers["Location"].removeprefix("/api/v1")
    assert ask("PATCH", path, json={"mileage": 68420}).json["mileage"] == 68420
    assert ask("GET", path).json["reference"] == "RO-7"
    assert [one["reference"] for one in ask("GET", "/interventions?q=gb123").json["items"]] == ["RO-7"]
    assert ask("DELETE", path).status_code == 204
    assert ask("GET", path).status_code == 404


def test_every_fault_of_a_body_is_named_at_once(ask: Ask) -> None:
    answer = ask(
        "POST", "/interventions", json={"vin": "SHORT", "customer_email": "nobody", "mileage": -1, "colour": "red"}
    )
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert {error["pointer"] for error in answer.json["errors"]} == {
        "#/reference", "#/vin", "#/customer_email", "#/mileage", "#/colour",
    }  # fmt: skip


def test_what_is_not_json_is_refused_with_the_right_status(ask: Ask) -> None:
    assert ask("POST", "/interventions", data="{", content_type="application/json").status_code == 400
    assert ask("POST", "/interventions", data="[1]", content_type="application/json").status_code == 400
    assert ask("POST", "/interventions", data="reference=1", content_type="text/plain").status_code == 415
    assert ask("PUT", "/interventions").status_code == 405
    assert ask("GET", "/nothing").content_type == "application/problem+json"


def test_a_reference_is_used_once_in_a_dealership_and_again_in_another(ask: Ask, outsider: Ask) -> None:
    assert ask("POST", "/interventions", json={"reference": "RO-1"}).status_code == 201
    assert ask("POST", "/interventions", json={"reference": "RO-1"}).status_code == 409
    assert outsider("POST", "/interventions", json={"reference": "RO-1"}).status_code == 201


def test_a_list_goes_on_where_it_ended(ask: Ask) -> None:
    for number in range(5):
        ask("POST", "/interventions", json={"reference": f"RO-{number}"})
    first = ask("GET", "/interventions?limit=3").json
    second = ask("GET", f"/interventions?limit=3&after={first['next']}").json
    assert [one["reference"] for one in first["items"] + second["items"]] == [f"RO-{n}" for n in (4, 3, 2, 1, 0)]
    assert second["next"] is None


def test_an_asset_says_how_far_it_is_and_what_was_made(ask: Ask, intervention: str, finisher: Finisher) -> None:
    film = finisher.film(intervention, caption="Brakes")
    asset = ask("GET", f"/assets/{film}").json
    assert (asset["state"], asset["percent"], asset["playable"], asset["reason"]) == ("ready", 100, True, None)
    assert {"poster", "chunk/0000", "storyboard"} <= {output["name"] for output in asset["outputs"]}
    assert ask("GET", f"/interventions/{intervention}/assets").json["items"] == [asset]
    assert ask("PATCH", f"/assets/{film}", json={"caption": "Front brakes"}).json["caption"] == "Front brakes"


def test_an_erased_asset_leaves_no_row(ask: Ask, shop: Flask, intervention: str, finisher: Finisher) -> None:
    film = finisher.film(intervention)
    assert ask("DELETE", f"/assets/{film}").status_code == 204
    with shop.app_context():
        assert session.get(Asset, film) is None
    assert ask("GET", f"/interventions/{intervention}/assets").json["items"] == []


def test_erasing_an_intervention_erases_its_films_and_links(
    ask: Ask, shop: Flask, intervention: str, finisher: Finisher
) -> None:
    film = finisher.film(intervention)
    ask("POST", f"/interventions/{intervention}/links", json={})
    assert ask("DELETE", f"/interventions/{intervention}").status_code == 204
    with shop.app_context():
        assert session.get(Asset, film) is None
        assert session.scalars(select(Link)).all() == []


def test_a_link_is_shown_once_then_listed_without_its_address_then_revoked(
    ask: Ask, client: FlaskClient, intervention: str
) -> None:
    made = ask("POST", f"/interventions/{intervention}/links", json={"recipient": "camille@example.org"})
    assert made.status_code == 201
    url = made.json["url"]
    assert client.get("/v/" + url.rpartition("/")[2]).status_code < 400
    (listed,) = ask("GET", f"/interventions/{intervention}/links").json["items"]
    assert "url" not in listed
    assert listed["recipient"] == "camille@example.org"
    assert listed["shared_at"], "a program asks for the address in order to pass it on"
    assert ask("GET", f"/interventions/{intervention}").json["stage"] == "sent"
    assert ask("DELETE", f"/links/{listed['id']}").status_code == 204
    assert client.get("/v/" + url.rpartition("/")[2]).status_code == 404


def test_charlie_finds_nothing_of_alice(ask: Ask, outsider: Ask, intervention: str, finisher: Finisher) -> None:
    film = finisher.film(intervention)
    ask("POST", f"/interventions/{intervention}/links", json={})
    (link,) = ask("GET", f"/interventions/{intervention}/links").json["items"]
    for method, path in [
        ("GET", f"/interventions/{intervention}"),
        ("PATCH", f"/interventions/{intervention}"),
        ("DELETE", f"/interventions/{intervention}"),
        ("GET", f"/interventions/{intervention}/assets"),
        ("GET", f"/interventions/{intervention}/links"),
        ("POST", f"/interventions/{intervention}/links"),
        ("GET", f"/assets/{film}"),
        ("DELETE", f"/assets/{film}"),
        ("DELETE", f"/links/{link['id']}"),
    ]:
        assert outsider(method, path, json={} if method in ("PATCH", "POST") else None).status_code == 404, path
    assert outsider("PATCH", f"/assets/{film}", json={"caption": "x"}).status_code == 404
    assert outsider("GET", "/interventions").json["items"] == []


def test_without_a_living_token_every_door_is_closed(shop: Flask, client: FlaskClient, ask: Ask) -> None:
    answer = client.get("/api/v1/interventions")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert client.get("/api/v1/interventions", headers={"Authorization": "Bearer wa_wrong"}).status_code == 401
    assert ask("GET", "/interventions").status_code == 200
    with shop.app_context():
        session.scalars(select(ApiToken)).one().revoked_at = 1.0
        session.commit()
    assert ask("GET", "/interventions").status_code == 401


def test_a_signed_in_person_is_no_program(alice: FlaskClient) -> None:
    assert alice.get("/api/v1/interventions").status_code == 401


def test_the_document_names_every_endpoint_and_is_openapi_3_1(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1")
    operations = {(path, method) for path, item in document["paths"].items() for method in item}
    assert ("/api/v1/interventions/{intervention_id}/links", "post") in operations
    assert len(operations) == 12
    assert document["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}


def test_the_document_holds_what_is_true(ask: Ask, client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").json
    shapes = document["components"]["schemas"]
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert named <= shapes.keys()
    for operation in (one for item in document["paths"].values() for one in item.values()):
        for status, told in operation["responses"].items():
            if status >= "400":
                assert list(told["content"]) == ["application/problem+json"]
    assert not any("default" in field for field in shapes["InterventionChange"]["properties"].values())
    assert shapes["InterventionIn"]["required"] == ["reference"]
    for method, path, body in (("GET", "/nothing", None), ("POST", "/interventions", {})):
        assert ask(method, path, json=body).content_type == "application/problem+json"
