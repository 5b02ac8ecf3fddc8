"""The children of a unit: one that waits for any film, and one that stays with the film the unit works on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import servers
from painting import paint

from pipeline import errors
from workers import child, standby
from workers.sandbox import Limits
from workers.settings import Settings
from workers.standby import Keeper
from workers.workspace import Room

_LIMITS = Limits(timeout_s=60, stall_s=60, memory_bytes=2**30)

_UNIT = """
import sys, time
from dramatiq.brokers.stub import StubBroker
from workers.standby import keeper
from workers.unit import Unit
broker = StubBroker(middleware=[Unit()])
class worker: consumer_whitelist = {"express"}
broker.emit_before("worker_boot", worker)
while not keeper.is_ready(): time.sleep(0.05)
taken = keeper.take("film", keeper._limits)
print(taken.waiting.process.pid, flush=True)
while not keeper.is_ready(): time.sleep(0.05); keeper.rest()
print(keeper._room.waiting.process.pid, flush=True)
signal = sys.stdin.readline()
broker.emit_before("worker_shutdown", worker)
print("stopped", flush=True)
time.sleep(60)
"""


@pytest.fixture
def keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keeper]:
    given = Settings(data_dir=tmp_path)
    monkeypatch.setattr(standby, "settings", lambda: given)
    monkeypatch.setattr(standby, "_REST_S", 0.1)
    kept = Keeper()
    kept.start(_LIMITS)
    try:
        servers.wait_for(kept.is_ready, within_s=60)
        yield kept
    finally:
        kept.stop()
        assert list((tmp_path / "work").iterdir()) == []


def test_a_child_stays_with_its_film_while_the_unit_does(keeper: Keeper, tmp_path: Path) -> None:
    clip = paint(tmp_path / "a.mp4", seconds=1, size=(160, 120))
    waited = keeper._room
    room = _taken(keeper, "film")
    assert room is waited
    first = room.waiting
    assert _measured(room, clip.read_bytes())["result"]["kind"] == "film"  # by the craft itself
    keeper.keep("film", room)

    room = _taken(keeper, "film", nice=2)
    assert room.waiting is first
    assert list(room.given.iterdir()) == []
    with pytest.raises(errors.MediaRejected):
        _measured(room, b"no film", nice=2)
    keeper.keep("film", room)  # it ended with that answer
    assert not room.path.exists()

    room = _taken(keeper, "film")
    assert room.waiting is not first
    _measured(room, clip.read_bytes())
    keeper.keep("film", room)
    other = _taken(keeper, "another film")
    assert other.waiting is not room.waiting
    assert not room.path.exists()
    assert not keeper.is_ready()  # nobody starts one while the unit works
    _measured(other, clip.read_bytes())
    keeper.keep("another film", other)
    keeper.rest()

    servers.wait_for(keeper.is_ready, within_s=60)
    assert not other.path.exists()


def _taken(keeper: Keeper, film: str, nice: int = 0) -> Room:
    room = keeper.take(film, replace(_LIMITS, nice=nice))
    assert room is not None
    return room


def _measured(room: Room, body: bytes, nice: int = 0) -> dict[str, Any]:
    (room.given / "input").write_bytes(body)
    return child.run(
        {"verb": "measure", "bytes": len(body), "preset": "workshop", "watermark": False},
        inputs={"input": room.given / "input"},
        limits=replace(_LIMITS, nice=nice),
        waiting=room.waiting,
        program=("-c", "raise SystemExit(9)"),
    )


def test_a_room_that_cannot_be_cleared_costs_its_child_and_not_the_job(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = paint(tmp_path / "a.mp4", seconds=1, size=(160, 120))
    room = _taken(keeper, "film")
    _measured(room, clip.read_bytes())
    with monkeypatch.context() as context:
        context.setattr(Room, "clear", _refused)
        keeper.keep("film", room)

    assert not room.path.exists()
    again = _taken(keeper, "film")
    assert again is not room
    again.close()


def _refused(_: Room) -> None:
    raise OSError("a file stays")


def test_a_child_that_ends_while_it_waits_is_replaced(keeper: Keeper) -> None:
    room = keeper._room
    assert room is not None
    assert room.waiting is not None
    os.killpg(room.waiting.process.pid, signal.SIGKILL)

    servers.wait_for(lambda: keeper._room not in (room, None), within_s=60)


def test_a_unit_that_cannot_have_a_child_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").write_bytes(b"no folder")
    monkeypatch.setattr(standby, "settings", lambda: Settings(data_dir=tmp_path))
    kept = Keeper()
    assert kept.take("film", _LIMITS) is None  # it is no unit yet
    kept.start(_LIMITS)
    time.sleep(0.5)

    with pytest.raises(OSError, match="work"):  # as anybody would who needs a room there
        kept.take("film", _LIMITS)
    kept.stop()


@pytest.mark.parametrize("layer", ["auto", "none"])
def test_who_waits_dies_with_its_unit(tmp_path: Path, layer: str) -> None:
    environment = {"DATA_DIR": str(tmp_path), "SANDBOX": layer, "PATH": os.environ["PATH"]}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    unit = subprocess.Popen([sys.executable, "-c", _UNIT], env=environment, cwd=Path(__file__).parents[2], **pipes)
    assert unit.stdin is not None
    assert unit.stdout is not None
    try:
        taken, waits = (_grown(int(unit.stdout.readline())) for _ in range(2))
        unit.stdin.write(b"\n")
        unit.stdin.flush()
        assert unit.stdout.readline() == b"stopped\n"
        servers.wait_for(lambda: not any(map(_lives, waits)), within_s=30)
        assert all(map(_lives, taken))  # whoever was handed out is the attempt's, until the unit is killed
    finally:
        unit.kill()
        unit.communicate()
    servers.wait_for(lambda: not any(map(_lives, taken)), within_s=60)


def _grown(pid: int) -> list[int]:
    """A child with the guard and the program in it."""
    servers.wait_for(lambda: len(_below(pid)) > 1, within_s=60)
    return _below(pid)


def _below(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    with suppress(OSError):  # it, or a thread of it, has just ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            for one in (task / "children").read_text().split():
                found += _below(int(one))
    return found


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
