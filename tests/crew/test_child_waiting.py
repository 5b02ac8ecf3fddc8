"""A child that waits does jobs on one film, under the same walls and limits as any; or another is started."""

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
from nursery import PRELUDE, run_child
from painting import paint

from pipeline import errors
from workers import child, sandbox, standby
from workers.sandbox import Limits
from workers.settings import Settings
from workers.standby import Keeper
from workers.started import Started
from workers.workspace import Room

_LIMITS = Limits(timeout_s=20, stall_s=10, memory_bytes=2**30)
_UP = "import sys; print('up', flush=True)\n"
_BEGIN = "say({'progress': 0.0})\n"

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


def _waiting(folder: Path, code: str, layer: sandbox.Layer, limits: Limits = _LIMITS) -> Room:
    """A room in which a child waits that will do `code`; it has begun to wait."""
    room = Room(folder / "work")
    scratch = room.path / "scratch"
    scratch.mkdir()
    program = ("-c", _UP + PRELUDE + code)
    room.waiting = Started(layer, program, {child.GIVEN: room.given}, room.out, scratch, limits)
    assert room.waiting.process.stdout is not None
    assert room.waiting.process.stdout.readline() == b"up\n"
    return room


def _hand_over(room: Room, code: str = "sys.exit(9)", body: bytes = b"film", **how: Any) -> dict[str, Any]:
    """What came of a job that only now is known; `code` is what a child does that is started instead."""
    (room.given / "input").write_bytes(body)
    how.setdefault("limits", _LIMITS)
    return run_child(code, room.given / "input", room.made, waiting=room.waiting, **how)


def test_a_job_is_done_with_what_came_after_the_child(tmp_path: Path, layer: sandbox.Layer) -> None:
    code = (
        "made=open(job['input'],'rb').read()*2; open(job['out']+'/a.bin','wb').write(made)\n"
        "say({'result':{'long':len(job['more']),'files':[{'path':'a.bin','bytes':len(made)}]}})"
    )
    room = _waiting(tmp_path, _BEGIN + code, layer)
    # Many times what a pipe holds.
    done = _hand_over(room, job={"more": "x" * 10**6})

    assert done["result"]["long"] == 10**6
    assert (room.made / "a.bin").read_bytes() == b"filmfilm"
    assert (room.made / "a.bin").stat().st_uid == os.geteuid()
    assert list(room.out.iterdir()) == []
    room.close()
    assert list((tmp_path / "work").iterdir()) == []


def test_a_child_does_the_next_job_on_its_film_until_one_fails(tmp_path: Path, layer: sandbox.Layer) -> None:
    code = (
        "import threading; jobs=0\n"
        "while True:\n"
        " say({'progress': 0.0}); jobs+=1\n"
        " if job.get('fails'): say({'failed':{'reason':'engine-failed','message':'it'}}); break\n"
        " sum(range(10**6*job.get('hard',0)))\n"
        " open(job['out']+'/a.bin','wb').write(open(job['input'],'rb').read())\n"
        " say({'result':{'is':[jobs,os.nice(0)],'files':[{'path':'a.bin','bytes':4}]}})\n"
        " job=json.loads(sys.stdin.readline())"
    )
    room = _waiting(tmp_path, code, layer)
    assert room.waiting is not None
    first = _hand_over(room, job={"hard": 20})
    assert room.waiting.is_idle
    room.clear()
    second = _hand_over(room, body=b"more", limits=replace(_LIMITS, nice=3))

    assert [one["result"]["is"] for one in (first, second)] == [[1, os.nice(0)], [2, os.nice(0) + 3]]
    assert (room.made / "a.bin").read_bytes() == b"more"
    assert second["usage"]["cpu_s"] < 0.5 * first["usage"]["cpu_s"]  # its own alone
    assert not room.waiting.fits(_LIMITS)  # it cannot come forward again
    with pytest.raises(errors.EngineFailed, match="it"):
        _hand_over(room, job={"fails": True})
    assert not room.waiting.is_idle
    room.close()


def test_what_was_made_cannot_be_changed_or_swapped_afterwards(tmp_path: Path) -> None:
    code = (
        "import threading\npath=job['out']+'/a.bin'; open(path,'wb').write(b'good')\n"
        "say({'result':{'files':[{'path':'a.bin','bytes':4}]}})\n"
        "job=json.loads(sys.stdin.readline()); say({'progress': 0.0}); told=[]\n"
        "beside=os.path.dirname(path)+'/../made'\n"
        "for trial in (lambda: open(path,'r+b').write(b'evil'), lambda: os.listdir(beside)):\n"
        " try: trial(); told.append('done')\n except OSError as error: told.append('held')\n"
        "say({'result':{'told':told}})"
    )
    room = _waiting(tmp_path, _BEGIN + code, sandbox.choose("auto"))
    _hand_over(room)

    assert (room.made / "a.bin").read_bytes() == b"good"
    assert _hand_over(room)["result"]["told"] == ["held", "held"]
    assert (room.made / "a.bin").read_bytes() == b"good"
    room.close()


def test_a_child_that_waits_can_change_nothing_of_what_it_is_given(tmp_path: Path) -> None:
    code = (
        "held=[]\nfor name in ('input','planted'):\n"
        " try: open(os.path.dirname(job['input'])+'/'+name,'ab').write(b'x')\n except OSError: held.append(name)\n"
        "say({'result':{'held':held,'beside':os.listdir(os.path.dirname(job['input']))}})"
    )
    room = _waiting(tmp_path, _BEGIN + code, sandbox.choose("auto"))

    assert _hand_over(room)["result"] == {"held": ["input", "planted"], "beside": ["input"]}
    room.close()


def test_time_that_a_child_waited_is_not_its_jobs(tmp_path: Path) -> None:
    limits = Limits(timeout_s=1, stall_s=1, memory_bytes=2**30)
    room = _waiting(tmp_path, _BEGIN + "say({'result':{}})", sandbox.choose("none"), limits)
    time.sleep(1.2)

    assert _hand_over(room, limits=limits)["usage"]["wall_s"] < 1
    room.close()


def test_a_child_that_waited_is_held_to_its_limits(tmp_path: Path) -> None:
    room = _waiting(tmp_path, _BEGIN + "time.sleep(60)", sandbox.choose("none"))

    with pytest.raises(errors.LimitExceeded, match="no progress"):
        _hand_over(room, limits=Limits(timeout_s=20, stall_s=0.5))
    room.close()


@pytest.mark.parametrize("code", ["sys.exit(3)", "time.sleep(60)", "say({'result':{'by':'it'}})"])
def test_where_a_child_does_not_begin_another_is_started(
    tmp_path: Path, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_PATIENCE_S", 0.5)
    room = _waiting(tmp_path, code, sandbox.choose("auto"))

    done = _hand_over(room, "say({'result':{'by':'another','film':open(job['input']).read()}})")

    assert done["result"] == {"by": "another", "film": "film"}
    room.close()


def test_a_child_that_ended_or_was_stopped_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_PATIENCE_S", 0.5)
    for number in (signal.SIGKILL, signal.SIGSTOP):
        room = _waiting(tmp_path, "say({'result':{}})", sandbox.choose("none"))
        assert room.waiting is not None
        os.killpg(room.waiting.process.pid, number)

        # More than a pipe holds: nobody reads it.
        done = _hand_over(room, "say({'result':{'by':'another'}})", job={"more": "x" * 10**6})

        assert done["result"] == {"by": "another"}
        room.close()


@pytest.fixture
def keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keeper]:
    given = Settings(data_dir=tmp_path)
    monkeypatch.setattr(standby, "settings", lambda: given)
    monkeypatch.setattr(standby, "_REST_S", 0.1)
    kept = Keeper()
    kept.start(_LIMITS)
    try:
        servers.wait_for(kept.is_ready, within_s=20)
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

    servers.wait_for(keeper.is_ready, within_s=20)
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


def test_a_child_that_ends_while_it_waits_is_replaced(keeper: Keeper) -> None:
    room = keeper._room
    assert room is not None
    assert room.waiting is not None
    os.killpg(room.waiting.process.pid, signal.SIGKILL)

    servers.wait_for(lambda: keeper._room not in (room, None), within_s=20)


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
        servers.wait_for(lambda: not any(map(_lives, waits)), within_s=5)
        assert all(map(_lives, taken))  # whoever was handed out is the attempt's, until the unit is killed
    finally:
        unit.kill()
        unit.communicate()
    servers.wait_for(lambda: not any(map(_lives, taken)), within_s=10)


def _grown(pid: int) -> list[int]:
    """A child with the guard and the program in it."""
    servers.wait_for(lambda: len(_below(pid)) > 1, within_s=20)
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
