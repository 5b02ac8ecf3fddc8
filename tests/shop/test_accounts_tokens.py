"""`walkaround init` and `password`; `walkaround token`: shown once, listed without its text, revoked at once."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from webapp.accounts import command
from webapp.accounts.models import ApiToken, Dealership, User
from webapp.app import create_app
from webapp.database import session
from workers.settings import Settings

Token = Callable[..., Result]


@pytest.fixture
def token(shop: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Token:
    monkeypatch.setattr(command, "settings", lambda: settings)
    return lambda *args: CliRunner().invoke(command.token, args)


def status(client: FlaskClient, text: str) -> int:
    headers = {"Authorization": f"Bearer {text.strip()}"}
    return client.get("/api/v1/interventions", headers=headers).status_code


def test_a_token_is_listed_without_its_text_and_revoked_at_once(shop: Flask, client: FlaskClient, token: Token) -> None:
    first = token("--dealership", "Garage Lumière", "--name", "our DMS").stdout
    second = token("--dealership", "Autohaus Nord", "--name", "their DMS").stdout
    listed = token("--list").stdout
    assert first.strip() not in listed
    (line,) = [line for line in listed.splitlines() if "our DMS" in line]
    assert "Garage Lumière" in line
    assert "lives until" in line
    assert status(client, first) == 200
    done = token("--revoke", line.split()[0])
    assert done.exit_code == 0, done.output
    assert (status(client, first), status(client, second)) == (401, 200)
    (line,) = [line for line in token("--list").stdout.splitlines() if "our DMS" in line]
    assert "revoked" in line


def test_a_token_lives_a_year_unless_it_is_said_otherwise(shop: Flask, token: Token) -> None:
    token("--dealership", "Garage Lumière", "--name", "a year")
    token("--dealership", "Garage Lumière", "--name", "a week", "--days", "7")
    with shop.app_context():
        ends = dict(session.execute(select(ApiToken.name, ApiToken.expires_at)).all())
    assert ends["a year"] == pytest.approx(time.time() + 365 * 86400, abs=60)
    assert ends["a week"] == pytest.approx(time.time() + 7 * 86400, abs=60)


def test_a_manager_whom_nobody_can_give_a_password_gets_a_link_from_the_command_line(
    shop: Flask, client: FlaskClient, token: Token
) -> None:
    done = CliRunner().invoke(command.password, ["Alice@example.org"])
    path = re.search(r"http://[^/]+(/join/\S+)", done.output)[1]
    assert "Welcome, Alice" in client.get(path).text
    chosen = "a garage full of light"
    assert client.post(path, data={"password": chosen, "again": chosen}).status_code == 302
    assert client.get(path).status_code == 404, "the link works once"
    assert client.post("/login", data={"email": "alice@example.org", "password": chosen}).status_code == 302
    assert client.get("/dealership").status_code == 200

    assert "nobody signs in as" in CliRunner().invoke(command.password, ["nobody@example.org"]).output
    with shop.app_context():
        session.scalars(select(User).where(User.name == "Bob")).one().active = False
        session.commit()
    assert "bob@example.org has no access" in CliRunner().invoke(command.password, ["bob@example.org"]).output


FIRST = {
    "--dealership": "Autohaus Süd", "--country": "de", "--name": "Dora",
    "--email": "Dora@Example.org", "--language": "de", "--password": "ein Haus voll Licht",
}  # fmt: skip


def init(settings: Settings, monkeypatch: pytest.MonkeyPatch, **more: str) -> Result:
    monkeypatch.setattr(command, "settings", lambda: settings)
    said = FIRST | {f"--{name}": value for name, value in more.items()}
    return CliRunner().invoke(command.init, [word for pair in said.items() for word in pair])


def test_the_very_first_command_may_create_the_first_dealership(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = settings.model_copy(update={"data_dir": tmp_path / "nothing" / "here"})
    done = init(fresh, monkeypatch)
    assert done.exit_code == 0, done.output
    assert "/login as dora@example.org" in done.output
    app = create_app(fresh)
    app.config["WTF_CSRF_ENABLED"] = False
    dora = app.test_client()
    assert dora.post("/login", data={"email": "dora@example.org", "password": FIRST["--password"]}).status_code == 302
    assert "Autohaus Süd" in dora.get("/dealership").text
    app.extensions["engine"].dispose()
    again = init(fresh, monkeypatch)
    assert (again.exit_code, again.output) == (1, "Error: dora@example.org already has an account\n")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email", "dora"),
        ("email", ""),
        ("country", "XX"),
        ("dealership", " "),
        ("name", "x" * 121),
        ("password", "short"),
        ("password", "x" * 129),
    ],
)
def test_a_dealership_nobody_could_manage_is_not_created(
    shop: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    done = init(settings, monkeypatch, **{name: value})
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert done.output.startswith("Error: ")
    with shop.app_context():
        assert len(session.scalars(select(Dealership)).all()) == 2


@pytest.mark.parametrize("args", [(), ("--name", "x"), ("--revoke", "nothing"), ("--list", "--revoke", "x")])
def test_what_cannot_be_done_is_said(token: Token, args: tuple[str, ...]) -> None:
    done = token(*args)
    assert done.exit_code != 0
    assert "Error: " in done.output
