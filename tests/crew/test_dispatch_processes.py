"""`walkaround relay` and `walkaround schedule` as processes: they do their work, and end when asked to."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import crewroom
import pytest
import redis
import servers
import tiny_child
from crewroom import Crew

pytestmark = pytest.mark.xdist_group("recovery")


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    with crewroom.crew(tmp_path, monkeypatch) as crew:
        yield crew


def test_relay_sends_schedule_ticks_and_both_say_so_in_json(crew: Crew, tmp_path: Path) -> None:
    asset_id = crew.send(tiny_child.film())
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
            servers.wait_for(lambda: client.llen("dramatiq:express") and client.llen("dramatiq:later"))
        finally:
            for process in processes.values():
                process.send_signal(signal.SIGTERM)
            said = {name: process.communicate(timeout=30)[1] for name, process in processes.items()}
        sent = [json.loads(message) for message in client.hvals("dramatiq:express.msgs")]

    assert [process.returncode for process in processes.values()] == [0, 0]
    assert {message["kwargs"]["asset_id"] for message in sent} == {asset_id}
    for name, text in said.items():
        lines = [json.loads(line) for line in text.splitlines()]
        events = [line["event"] for line in lines]
        assert (events[0], events[-1]) == (f"{name}.started", f"{name}.stopped")
        assert all({"level", "timestamp"} <= line.keys() for line in lines)
