"""Behind a proxy, and on a bad day: what clients are told, and what is never written down."""

import logging
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from cast import PASSWORD
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient
from psycopg.errors import IndexCorrupted
from sqlalchemy.exc import DataError, InterfaceError, InternalError, OperationalError

from pipeline.catalog.models import Base
from pipeline.catalog.storage import StorageDown
from webapp import guards
from webapp.accounts import access, invitations
from webapp.app import create_app
from webapp.customers import links
from webapp.guards import limiter
from webapp.media import shelf
from workers import logs
from workers.settings import Settings

CANARY = "canary-5f1e0c"


def broken(error: Exception) -> Callable[..., None]:
    def fail(*_args: object, **_more: object) -> None:
        raise error

    return fail


def test_alice_signs_in_over_https_from_a_page_that_sends_no_referrer(shop: Flask, client: FlaskClient) -> None:
    shop.config["WTF_CSRF_ENABLED"] = True
    https = {"base_url": "https://walkaround.example"}
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login", **https).text)[1]
    data = {"email": "alice@example.org", "password": PASSWORD}
    assert client.post("/login", data=data, **https).status_code == 400, "without its token the form is refused"
    answer = client.post("/login", data=data | {"csrf_token": token}, **https)
    assert answer.status_code == 302
    assert client.get("/interventions", **https).status_code == 200


@pytest.mark.parametrize("path", [f"/v/{CANARY}", f"/join/{CANARY}", f"/m/9.{CANARY}/l-{CANARY}/{CANARY}/index.m3u8"])
def test_a_key_in_an_address_is_not_in_the_log_when_a_view_breaks(
    shop: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    shop.config["PROPAGATE_EXCEPTIONS"] = False
    for module in (links, invitations):
        monkeypatch.setattr(module, "find", broken(RuntimeError("the view broke")))
    monkeypatch.setattr("webapp.media.access.asset", broken(RuntimeError("the view broke")))
    with caplog.at_level(logging.DEBUG):
        answer = client.get(path, headers={"X-Request-ID": "request-0123456789"})
    assert answer.status_code == 500
    assert "RuntimeError: the view broke" in caplog.text
    assert "request-0123456789" in caplog.text
    assert "/<token>" in caplog.text or "<binding>" in caplog.text, "the rule tells which view it was"
    assert CANARY not in caplog.text


def test_what_a_statement_was_given_is_not_in_the_log(
    shop: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shop.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(links, "find", broken(DataError("SELECT 1", {"name": CANARY}, Exception("too long"))))
    assert client.get("/v/x").status_code == 500
    assert "DataError" in caplog.text
    assert CANARY not in caplog.text


def test_the_console_prints_no_variables_of_a_view_that_broke(
    shop: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(links, "find", broken(RuntimeError("the view broke")))
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure(shop.extensions["settings"])
    try:
        client.get(f"/v/{CANARY}")
    finally:
        root.handlers[:], root.level = before
        structlog.reset_defaults()
    told = capsys.readouterr().err
    assert "RuntimeError: the view broke" in told
    assert CANARY not in told


@pytest.mark.parametrize(
    "error",
    [
        StorageDown("no answer"),
        OperationalError("SELECT 1", {}, Exception("gone")),
        InterfaceError("SELECT 1", {}, Exception("the connection is closed")),
    ],
)
def test_while_the_database_or_the_storage_is_away_people_and_programs_are_told_so(
    alice: FlaskClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("webapp.interventions.views.load_intervention", broken(error))
    monkeypatch.setattr(access, "bearer", broken(error))
    page = alice.get("/interventions/any")
    assert page.status_code == 503
    assert page.mimetype == "text/html"
    assert "in a moment" in page.text
    assert page.headers["Retry-After"]
    told = alice.get("/api/v1/interventions", headers={"Authorization": "Bearer wa_x"})
    assert told.status_code == 503
    assert told.content_type == "application/problem+json"
    assert told.json["status"] == 503
    assert told.headers["Retry-After"]


def test_what_the_database_finds_broken_in_itself_is_no_matter_of_a_moment(
    shop: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(links, "find", broken(InternalError("SELECT", {}, IndexCorrupted("could not read block 7"))))
    assert client.get("/v/x").status_code == 500


def test_a_page_says_that_the_database_is_away_without_asking_it(shop: Flask, alice: FlaskClient) -> None:
    Base.metadata.drop_all(shop.extensions["engine"])
    answer = alice.get("/interventions")
    assert answer.status_code == 503
    assert "in a moment" in answer.text


def test_a_segment_is_away_only_for_now_while_the_storage_is(
    alice: FlaskClient, intervention: str, finisher: Finisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    finisher.film(intervention)
    path = re.search(r'data-playlist="([^"]+)"', alice.get(f"/interventions/{intervention}/preview").text)[1]
    monkeypatch.setattr(shelf, "playlists", broken(StorageDown("no answer")))
    assert alice.get(path).status_code == 503


def test_the_upload_process_has_probes_and_no_pages(settings: Settings) -> None:
    app = create_app(settings, "upload")
    Base.metadata.create_all(app.extensions["engine"])
    client = app.test_client()
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").status_code == 503
    assert client.get("/metrics").status_code == 200
    assert client.get("/operations").status_code == 404
    app.extensions["engine"].dispose()


def test_no_token_stands_in_the_counters_of_the_rate_limits(client: FlaskClient) -> None:
    client.get("/api/v1/interventions", headers={"Authorization": f"Bearer wa_{CANARY}"})
    counted = str(dict(limiter.storage.storage))
    assert "api" in counted
    assert CANARY not in counted


def test_too_many_requests_of_one_token_are_told_so_and_other_tokens_go_on(client: FlaskClient) -> None:
    busy, calm = ({"Authorization": f"Bearer wa_{name}"} for name in ("busy", "calm"))
    assert client.get("/api/v1/interventions", headers=busy).status_code == 401
    (counted,) = [key for key in limiter.storage.storage if "/1200/1/minute" in key]
    limiter.storage.incr(counted, 60, 1198)  # as many more within this minute as a slow machine cannot ask for
    assert client.get("/api/v1/interventions", headers=busy).status_code == 401
    last = client.get("/api/v1/interventions", headers=busy)
    assert last.status_code == 429
    assert last.content_type == "application/problem+json"
    assert last.headers["X-Request-ID"]
    assert client.get("/api/v1/interventions", headers=calm).status_code == 401
    limiter.reset()


def test_a_broker_that_accepts_and_says_nothing_holds_requests_up_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "BROKER_S", 0.3)
    for remembered in ("_storage_dead", "_in_memory_fallback_enabled"):  # the limiter is the module's
        monkeypatch.setattr(limiter, remembered, False)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        app = create_app(settings.model_copy(update={"redis_url": url}), "web")
        Base.metadata.create_all(app.extensions["engine"])

        def ask(_: int) -> int:
            return app.test_client().get("/api/v1/interventions").status_code

        began = time.monotonic()
        with ThreadPoolExecutor(4) as visitors:  # who find it silent at the same time
            assert set(visitors.map(ask, range(4))) == {401}
        for visit in range(20):
            assert ask(visit) == 401
        assert time.monotonic() - began < 30
    app.extensions["engine"].dispose()
    create_app(settings, "web").extensions["engine"].dispose()  # back to the memory


@pytest.mark.parametrize(("proxies", "blocked"), [(1, False), (0, True)])
def test_clients_behind_a_trusted_proxy_are_counted_apart(settings: Settings, proxies: int, blocked: bool) -> None:
    app = create_app(settings.model_copy(update={"trusted_proxies": proxies}), "web")
    app.config["WTF_CSRF_ENABLED"] = False
    Base.metadata.create_all(app.extensions["engine"])
    client = app.test_client()

    def status(address: str) -> int:
        return client.post(
            "/login", data={"email": "", "password": ""}, headers={"X-Forwarded-For": address}
        ).status_code

    for _ in range(21):
        guesser = status("203.0.113.9")
    assert guesser == 429
    assert (status("203.0.113.10") == 429) is blocked
    # What a client says of itself stands before what the proxy adds, and is not believed.
    assert (status("203.0.113.77, 203.0.113.9") == 429) is True
    limiter.reset()
    app.extensions["engine"].dispose()
