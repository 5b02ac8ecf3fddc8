"""Requests that another site makes a signed-in browser send, and addresses another site would like to be led to."""

import logging
import re
from urllib.parse import urljoin, urlsplit

import pytest
from cast import PASSWORD
from flask import Flask
from flask.testing import FlaskClient

# Blueprints whose requests no browser makes trusted by itself: they carry a token of their own.
EXEMPT = {"api", "customers"}
HERE = "http://localhost/"


def test_every_change_on_every_page_asks_for_our_own_token(
    shop: Flask, alice: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    shop.config["WTF_CSRF_ENABLED"] = True
    caplog.set_level(logging.INFO, "flask_wtf.csrf")  # it says why: a view may have a 400 of its own
    answers, seen = {}, set()
    for rule in shop.url_map.iter_rules():
        arguments = {name: {"user_id": 1, "what": "stop"}.get(name, "x") for name in rule.arguments}
        path = rule.build(arguments)[1]
        for method in rule.methods & {"POST", "PUT", "PATCH", "DELETE"}:
            seen.add(room := rule.endpoint.partition(".")[0])
            if room not in EXEMPT:
                caplog.clear()
                status = alice.open(path, method=method).status_code
                asked = [record.message for record in caplog.records if record.name == "flask_wtf.csrf"]
                answers[method, rule.rule] = (status, asked)
    assert len(answers) >= 18
    refused = (400, ["The CSRF token is missing."])
    assert {door: answer for door, answer in answers.items() if answer != refused} == {}
    assert seen >= EXEMPT


def test_who_is_signed_in_is_nobody_to_what_needs_no_token_of_ours(
    shop: Flask, alice: FlaskClient, intervention: str
) -> None:
    shop.config["WTF_CSRF_ENABLED"] = True
    assert alice.delete(f"/api/v1/interventions/{intervention}").status_code == 401
    assert alice.get(f"/interventions/{intervention}").status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "http:evil.example",
        "https://localhost@evil.example",
        "https://evil.example\\@localhost",
        "javascript:alert(1)",
    ],
)
def test_signing_in_leads_to_our_own_pages_only(client: FlaskClient, wanted: str) -> None:
    data = {"email": "alice@example.org", "password": PASSWORD, "next": wanted}
    answer = client.post("/login", query_string={"next": wanted}, data=data)
    if answer.status_code == 302:
        # As browsers read it: tabs and line ends are nothing, and a backslash is a slash.
        location = re.sub(r"[\t\r\n]", "", answer.headers["Location"]).replace("\\", "/")
        led_to = urlsplit(urljoin(HERE, location))
        assert (led_to.scheme, led_to.netloc) == ("http", "localhost")
        assert not location.startswith(("//", "http:evil"))
    else:
        assert "evil.example" not in answer.headers.get("Refresh", "")
        assert answer.status_code == 200


def test_signing_in_leads_to_the_page_that_was_asked_for(client: FlaskClient, intervention: str) -> None:
    asked = client.get(f"/interventions/{intervention}").headers["Location"]
    answer = client.post(asked, data={"email": "alice@example.org", "password": PASSWORD})
    assert urlsplit(answer.headers["Location"]).path == f"/interventions/{intervention}"
