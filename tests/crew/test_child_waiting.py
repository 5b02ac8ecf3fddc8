"""A child that waits does jobs on one film, under the same walls and limits as any; or another is started."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nursery import PRELUDE, run_child

from pipeline import errors
from workers import child, sandbox
from workers.sandbox import Limits
from workers.started import Started
from workers.workspace import Room

_LIMITS = Limits(timeout_s=60, stall_s=60, memory_bytes=2**30)
_UP = "import sys; print('up', flush=True)\n"
_BEGIN = "say({'progress': 0.0})\n"


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
    limits = Limits(timeout_s=10, stall_s=10, memory_bytes=2**30)
    room = _waiting(tmp_path, _BEGIN + "say({'result':{}})", sandbox.choose("none"), limits)
    time.sleep(10.2)

    assert _hand_over(room, limits=limits)["usage"]["wall_s"] < 10
    room.close()


def test_a_child_that_waited_is_held_to_its_limits(tmp_path: Path) -> None:
    room = _waiting(tmp_path, _BEGIN + "time.sleep(60)", sandbox.choose("none"))

    with pytest.raises(errors.LimitExceeded, match="no progress"):
        _hand_over(room, limits=Limits(timeout_s=60, stall_s=0.5))
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
