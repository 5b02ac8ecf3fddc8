"""Signing in and out, and what stands before every page."""

import re

import pytest
from argon2 import PasswordHasher
from cast import PASSWORD
from flask import Flask
from flask.testing import FlaskClient
from flask_security.utils import get_hmac
from sqlalchemy import select

from webapp.accounts.models import User
from webapp.database import session
from webapp.guards import limiter


def test_alice_signs_in_sees_her_interventions_and_signs_out(client: FlaskClient, intervention: str) -> None:
    answer = client.post("/login", data={"email": "alice@example.org", "password": PASSWORD})
    assert answer.status_code == 302
    assert "RO-1001" in client.get("/interventions").text
    assert client.post("/logout").status_code == 302
    assert client.get("/interventions").status_code == 302


def test_a_password_costs_what_owasp_asks_and_an_older_hash_still_opens(shop: Flask, client: FlaskClient) -> None:
    with shop.app_context():
        alice = session.scalars(select(User).where(User.name == "Alice")).one()
        assert alice.password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        older = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4)  # what was made until now
        alice.password = older.hash(get_hmac(PASSWORD))
        session.commit()
    answer = client.post("/login", data={"email": "alice@example.org", "password": PASSWORD})
    assert answer.headers.get("Location", "").endswith("/interventions")


def test_who_forgot_the_password_reads_what_to_do(client: FlaskClient) -> None:
    page = client.get("/login").text
    assert "Ask your manager" in page
    assert "walkaround password" in page
    assert "Walkaround</p>" in page, "the product says its name"


def test_a_link_to_sign_out_signs_nobody_out(alice: FlaskClient) -> None:
    assert alice.get("/logout").status_code == 405
    assert alice.get("/interventions").status_code == 200


@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org"])
def test_a_wrong_password_and_an_unknown_person_look_the_same(client: FlaskClient, email: str) -> None:
    answer = client.post("/login", data={"email": email, "password": "not the password"})
    assert answer.status_code == 200
    assert "do not belong together" in answer.text
    assert client.get("/interventions").status_code == 302


def test_guessing_is_stopped(shop: Flask, client: FlaskClient) -> None:
    limiter.reset()
    tries = [client.post("/login", data={"email": "", "password": ""}).status_code for _ in range(21)]
    assert tries[-1] == 429
    assert set(tries[:-1]) == {200}
    limiter.reset()


def test_after_signing_in_nobody_is_sent_elsewhere(client: FlaskClient) -> None:
    data = {"email": "alice@example.org", "password": PASSWORD}
    answer = client.post("/login?next=https://evil.example/", data=data)
    assert "evil.example" not in answer.headers.get("Location", "")


def test_a_form_from_elsewhere_is_refused(shop: Flask, alice: FlaskClient) -> None:
    shop.config["WTF_CSRF_ENABLED"] = True
    assert alice.post("/interventions/new", data={"reference": "RO-1"}).status_code == 400
    page = alice.get("/interventions/new").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
    data = {"reference": "RO-1", "customer_language": "en", "csrf_token": token}
    assert alice.post("/interventions/new", data=data).status_code == 302


def test_pages_run_our_own_scripts_only_and_cannot_be_framed(alice: FlaskClient, intervention: str) -> None:
    answer = alice.get(f"/interventions/{intervention}")
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == "'self'"
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert not re.search(r"""(src|href)="https?://""", answer.text), "nothing comes from a third party"
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", answer.text), "no script or style in the page"


def test_the_session_cookie_is_for_this_host_and_for_https_alone(shop: Flask, client: FlaskClient) -> None:
    shop.config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_NAME="__Host-staff")
    answer = client.post("/login", data={"email": "alice@example.org", "password": PASSWORD})
    cookie = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("__Host-staff"))
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie


def test_built_files_are_kept_for_ever(client: FlaskClient) -> None:
    path = re.search(r'href="(/static/dist/desk-[^"]+\.css)"', client.get("/login").text)[1]
    with client.get(path) as answer:
        assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]


def test_what_is_not_there_gets_a_page_of_ours(alice: FlaskClient) -> None:
    answer = alice.get("/interventions/none")
    assert answer.status_code == 404
    assert "Nothing here" in answer.text
