"""What machines are told while a part is away: which one, soon, and by whom nothing else is kept waiting."""

import threading
import time
from collections.abc import Callable, Iterator

import dramatiq
import pytest
import servers
import structlog
from dramatiq import Worker
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from pipeline.catalog.models import Base
from pipeline.catalog.storage import StorageDown, Stored
from webapp.operations import glance, health
from webapp.operations.glance import Glance
from workers import broker, connections
from workers import unit as units
from workers.queues import QUEUES, UNITS, heard, listener
from workers.settings import Settings


class Storage:
    """One that does what a test says, and counts how often it is asked."""

    def __init__(self, does: Callable[[], object]) -> None:
        self.asked = 0
        self._does = does

    def stat(self, key: str) -> Stored:
        self.asked += 1
        self._does()
        return Stored(key, 0, 0.0)


def away() -> None:
    raise StorageDown("logos/nobody: no route\nto it")


def test_a_storage_that_is_away_is_named_and_every_other_part_too(shop: Flask, alice: FlaskClient) -> None:
    shop.extensions["storage"] = Storage(away)
    with structlog.testing.capture_logs() as lines:
        answer = alice.get("/readyz")
        page = alice.get("/operations")
    assert answer.status_code == 503
    assert answer.json["parts"]["storage"] == {"ok": False}
    assert answer.json["parts"]["database"]["ok"] is True
    assert page.status_code == 200
    assert "logos/nobody: no route" in [line["error"] for line in lines if line.get("part") == "storage"]


def test_a_storage_that_says_nothing_holds_nobody_up_and_is_asked_by_one(
    shop: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glance, "PATIENCE_S", 0.2)
    silent = threading.Event()
    shop.extensions["storage"] = storage = Storage(lambda: silent.wait(60))
    began = time.monotonic()
    try:
        for _ in range(5):
            assert client.get("/readyz").json["parts"]["storage"] == {"ok": False}
        assert time.monotonic() - began < 30
    finally:
        silent.set()
    assert storage.asked == 1


def test_an_answer_counts_for_a_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(glance.time, "monotonic", lambda: clock[0])
    answers: list[Exception | None] = [None, StorageDown("away"), TimeoutError("read timed out"), None]

    def ask() -> None:
        if error := answers.pop(0):
            raise error

    look = Glance(ask).look
    look()
    clock[0] += glance.KEPT_S - 0.1
    look()
    for error in (StorageDown, TimeoutError):
        clock[0] += glance.KEPT_S
        for _ in range(2):
            with pytest.raises(error, match=r"away|read timed out"):
                look()
    clock[0] += glance.KEPT_S
    look()
    assert answers == []


def test_numbers_of_the_process_are_served_while_the_database_is_away(shop: Flask, client: FlaskClient) -> None:
    client.get("/healthz")
    Base.metadata.drop_all(shop.extensions["engine"])
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert 'walkaround_requests_total{method="GET",route="/healthz",status="200"}' in answer.text
    assert "walkaround_assets" not in answer.text


def test_each_missing_part_is_in_the_log_with_its_reason(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.sandbox, "status", lambda _: {"ok": False, "layer": None, "reason": "no bwrap"})
    monkeypatch.setattr(health, "units", lambda: [("film",)])
    monkeypatch.setattr(health.migrations, "is_current", lambda _: False)
    with structlog.testing.capture_logs() as lines:
        parts = client.get("/readyz").json["parts"]
    told = {line["part"]: line["error"] for line in lines if line["event"] == "health.missing"}
    assert told.keys() == {name for name, part in parts.items() if not part["ok"]} >= {"broker"}
    assert told["sandbox"] == "no bwrap"
    assert "walkaround migrate" in told["migrations"]
    assert told["workers"] == "no unit listens to express, later, post"
    assert "no bwrap" not in str(parts)


@pytest.mark.parametrize("missing", ["database", "migrations", "broker", "storage", "sandbox", "workers"])
def test_customers_keep_their_pages_while_a_part_is_away_that_no_request_needs(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in ("database", "migrations", "broker", "storage", "sandbox", "workers"):
        monkeypatch.setattr(health, f"_{name}", lambda name=name: ({"ok": name != missing}, "away"))
    answer = client.get("/readyz")
    assert (answer.json["ok"], answer.json["parts"][missing]) == (False, {"ok": False})
    assert answer.status_code == (503 if missing in ("database", "migrations", "storage") else 200)


@pytest.fixture
def valkey(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[servers.Valkey]:
    """A broker for the shop and for units in this process."""
    with servers.valkey() as server:
        settings.redis_url = server.url
        monkeypatch.setattr(connections, "settings", lambda: settings)
        connections.valkey.cache_clear()
        yield server
    connections.valkey.cache_clear()


def test_only_units_are_counted_and_a_queue_without_one_is_named(
    valkey: servers.Valkey, shop: Flask, alice: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def workers() -> dict[str, object]:
        return alice.get("/readyz").json["parts"]["workers"]

    monkeypatch.setattr(units.sandbox, "choose", lambda _: None)
    monkeypatch.setattr(units.hardware, "choose", lambda _: None)
    monkeypatch.setattr(units.keeper, "start", lambda *_, **__: None)
    bell = broker.connect()
    bell.enqueue(broker.message("later", "sweep", {}))
    assert bell.client.zcard("dramatiq:__heartbeats__") == 1
    assert workers() == {"ok": False, "count": 0, "unheard": list(QUEUES)}

    begun = []
    try:
        for queues in (UNITS["film"], UNITS["later"]):
            begun.append(Worker(broker.connect(_Boot()), queues=set(queues), worker_threads=1))
            begun[-1].start()
        servers.wait_for(lambda: workers()["count"] == 2)
    finally:
        for worker in begun:
            worker.stop()
    assert workers() == {"ok": False, "count": 2, "unheard": ["express"]}
    assert "nobody listens to express" in alice.get("/operations").text
    assert "walkaround_worker_units 2.0" in alice.get("/metrics").text


class _Boot(dramatiq.Middleware):
    """Of a unit, what concerns the broker."""

    before_worker_boot = units.Unit.before_worker_boot


def test_a_name_tells_its_queues_and_a_strangers_tells_none() -> None:
    assert heard(listener(["post", "later"])) == ("later", "post")
    assert listener(["film"]) != listener(["film"])
    assert heard("6f1c1a7e-5c0e-4d43-9a3c-2b8d0e7e4c55") == ()


def test_a_database_that_is_away_is_named(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(health.session, "scalar", gone)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["parts"]["database"] == {"ok": False}
