"""Relay, schedule and units as processes: they do their work, say for which request, and end when asked to."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import crewhouse
import crewroom
import pytest
import redis
import servers
import structlog
import tiny_child
from crewroom import Crew

from pipeline.catalog import assets, keys
from pipeline.catalog.models import State
from workers import connections

pytestmark = pytest.mark.xdist_group("recovery")


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    with crewroom.crew(tmp_path, monkeypatch) as crew:
        yield crew


def stored(asset_id: str) -> list[str]:
    return [found.key for found in connections.objects().list(keys.asset(asset_id))]


def test_relay_sends_schedule_removes_what_was_erased_and_both_say_so_in_json(crew: Crew, tmp_path: Path) -> None:
    asset_id, erased = crew.send(tiny_child.film()), crew.send(tiny_child.film())
    with connections.transaction() as session:
        assets.erase(session, erased)
    with servers.valkey() as valkey, redis.Redis.from_url(valkey.url) as client:
        environment = {
            **{"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "REDIS_URL": valkey.url},
            **{"LOG_FORMAT": "json", "SWEEP_S": "0.2"},
        }
        processes = {
            name: subprocess.Popen(
                [sys.executable, "-c", f"from workers.{name} import {name}; {name}()"],
                env=environment,
                stderr=subprocess.PIPE,
                cwd=Path(__file__).parents[2],
            )
            for name in ("relay", "schedule")
        }
        try:
            # No unit runs: neither waits for one.
            servers.wait_for(lambda: client.llen("dramatiq:express") and not stored(erased))
        finally:
            for process in processes.values():
                process.send_signal(signal.SIGTERM)
            said = {name: process.communicate(timeout=30)[1] for name, process in processes.items()}
        sent = [json.loads(message) for message in client.hvals("dramatiq:express.msgs")]

    assert [process.returncode for process in processes.values()] == [0, 0]
    assert {message["kwargs"]["asset_id"] for message in sent} >= {asset_id}
    assert stored(asset_id)
    for name, text in said.items():
        lines = [json.loads(line) for line in text.splitlines()]
        events = [line["event"] for line in lines]
        assert (events[0], events[-1]) == (f"{name}.started", f"{name}.stopped")
        assert all({"level", "timestamp"} <= line.keys() for line in lines)


def test_every_line_of_an_attempt_names_the_request_that_sent_its_film(crew: Crew, tmp_path: Path) -> None:
    sent = {}
    # The unit is woken for the long film first, and makes the short one, which comes before it.
    for request_id, chunks in (("req-long", 4), ("req-short", 1)):
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            sent[crew.send(tiny_child.film(chunks=chunks))] = request_id

    with crewhouse.house(tmp_path, 1, log_format="json") as house:
        servers.wait_for(lambda: all(crew.asset(asset_id).state is State.READY for asset_id in sent))

    lines = [json.loads(line) for line in house.log.read_text().splitlines() if line.startswith("{")]
    for event in ("attempt.started", "attempt.ended"):
        told = [(line["asset_id"], line.get("request_id")) for line in lines if line["event"] == event]
        assert set(told) == set(sent.items())
        assert len(told) == 2 + 4 + 1 + 2 * 2  # two are measured; chunks; posters and previews
