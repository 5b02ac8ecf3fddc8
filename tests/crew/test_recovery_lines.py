"""A worker killed at every single line between the making and the end of the recording."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import crewroom
import pytest
import tiny_child
from arriving import Arrival
from crewroom import Crew
from sqlalchemy import update

from pipeline.catalog import assets, endings, leases, outbox, plans, reconcile, turn
from pipeline.catalog.models import Claim, State
from pipeline.catalog.storage_folder import Folder
from workers import actors, attempt, child, connections

STORY: set[CodeType] = {
    actors._make.__code__,
    actors._publish.__code__,
    *(inner for inner in actors._publish.__code__.co_consts if isinstance(inner, CodeType)),
    assets.publish.__code__,
    leases.change.__code__,
    endings.advance.__code__,
    outbox.dispatch.__code__,
    connections.transaction.__wrapped__.__code__,
    Folder.put_file.__code__,
    Folder._write.__code__,
    Folder._settle.__code__,
    attempt.Attempt.record.__code__,
    attempt.Attempt.__exit__.__code__,
}

LATE: set[CodeType] = {
    plans._too_late.__code__,
    connections.transaction.__wrapped__.__code__,
    attempt.Attempt.record.__code__,
}

FOLLOWING: set[CodeType] = {attempt.attempt.__code__, turn.follow.__code__}

KILLED = 12  # chunks of one film, each at a line of its own; the rest of it is made by who comes after


def run(job: dict[str, Any], *, inputs: dict[str, Path], out: Path | None = None, **_: object) -> dict[str, Any]:
    """The tiny craft without a process of its own: this test starts hundreds."""
    answer: dict[str, Any] = tiny_child.do(job | {name: str(path) for name, path in inputs.items()} | {"out": str(out)})
    return answer


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    with crewroom.crew(tmp_path, monkeypatch, window=KILLED + 3, lease_s=600) as crew:
        monkeypatch.setattr(child, "run", run)
        yield crew


def traced(
    work: Callable[[], None], at_line: Callable[[tuple[CodeType, int]], None], story: set[CodeType] = STORY
) -> bool:
    """Do `work` in a process of its own that calls `at_line` before each line of the story; whether it was killed."""
    connections.database().dispose()
    if (pid := os.fork()) == 0:
        try:

            def trace(frame: FrameType, event: str, _: object) -> Any:
                if frame.f_code not in story:
                    return None
                if event == "line":
                    at_line((frame.f_code, frame.f_lineno))
                return trace

            sys.settrace(trace)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def lines_of(work: Callable[[], None], notes: Path, story: set[CodeType] = STORY) -> int:
    """How many different lines the story has."""
    seen: set[tuple[CodeType, int]] = set()

    def note(line: tuple[CodeType, int]) -> None:
        seen.add(line)
        notes.write_text(str(len(seen)))

    assert not traced(work, note, story)
    return int(notes.read_text())


def killer(number: int) -> Callable[[tuple[CodeType, int]], None]:
    """Kills the process before the line that is the `number`th it has not run before."""
    seen: set[tuple[CodeType, int]] = set()

    def kill(line: tuple[CodeType, int]) -> None:
        seen.add(line)
        if len(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return kill


def recover(crew: Crew) -> None:
    """What time brings: leases end, claims are rung again, and somebody else works."""
    with connections.transaction() as session:
        session.execute(update(Claim).where(Claim.lease_until.is_not(None)).values(lease_until=1.0))
        reconcile.ring_again(session, all_queues=True)
    crew.work(limit=1000)


def test_a_worker_may_die_at_any_line(crew: Crew, tmp_path: Path) -> None:
    body = tiny_child.film(chunks=1 + KILLED)

    def planned() -> str:
        asset_id = crew.send(body, part_bytes=6000)
        crew.measure(asset_id)
        return asset_id

    def make(asset_id: str, number: int) -> None:
        actors.make.fn(asset_id, f"chunk/{number:04}")

    first = planned()
    lines = lines_of(lambda: make(first, 1), tmp_path / "lines")
    crew.work()
    assert crew.is_whole(first, body)
    before = after = 0
    for begin in range(1, lines + 1, KILLED):
        asset_id, known = planned(), {}
        numbers = range(begin, min(begin + KILLED, lines + 1))
        for chunk, number in enumerate(numbers, 1):
            name = f"chunk/{chunk:04}"
            assert traced(lambda: make(asset_id, chunk), killer(number)), f"line {number}"  # noqa: B023

            made = dict(crew.made(asset_id))
            assert made in (known, known | {name: [tiny_child.digest(body, name)] * 2}), f"line {number}"
            before, after = before + (made == known), after + (made != known)
            known = made
        recover(crew)
        assert crew.is_whole(asset_id, body), f"lines {numbers}"

    assert before > 50
    assert after > 2


def test_a_worker_that_goes_on_with_a_first_chunk_may_die_at_any_line_on_its_way(crew: Crew, tmp_path: Path) -> None:
    body = tiny_child.film(chunks=2)
    first, notes = crew.send(body), tmp_path / "lines"
    lines = lines_of(lambda: actors.ingest.fn(first), notes, FOLLOWING)
    assert len(crew.made(first)) == 1
    killed = [crew.send(body) for _ in range(lines)]
    for number, asset_id in enumerate(killed, 1):
        assert traced(lambda: actors.ingest.fn(asset_id), killer(number), FOLLOWING), f"line {number}"  # noqa: B023
    recover(crew)
    assert [crew.is_whole(asset_id, body) for asset_id in (first, *killed)] == [True] * (1 + lines)
    assert lines > 12


def test_a_worker_that_measured_while_the_last_bytes_came_may_die_at_any_line_of_its_plan(
    crew: Crew, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = tiny_child.film(chunks=1).ljust(plans.EARLY_BYTES + tiny_child.BLOCK)
    arrivals: list[Arrival] = []

    def measured(job: dict[str, Any], **how: Any) -> dict[str, Any]:
        answer = run(job, **how)
        if job.get("present"):
            arrivals[-1].send(body)
        return answer

    def early() -> None:
        actors.ingest.fn(arrivals[-1].asset_id)

    def begin() -> str:
        arrivals.append(Arrival(crew, len(body)))
        arrivals[-1].send(body, plans.EARLY_BYTES, plans.EARLY_BYTES)
        return arrivals[-1].asset_id

    monkeypatch.setattr(child, "run", measured)
    monkeypatch.setattr(turn, "follow", lambda *_, **__: None)
    first = begin()
    lines = lines_of(early, tmp_path / "lines", LATE)
    assert (crew.asset(first).state, crew.asset(first).recipe) == (State.PROCESSING, "tiny-1")
    crew.work()
    for number in range(1, lines + 1):
        asset_id = begin()
        assert traced(early, killer(number), LATE), f"line {number}"
        arrivals[-1].received = crew.asset(asset_id).received
        arrivals[-1].send(body)
        recover(crew)
        assert crew.is_whole(asset_id, body), f"line {number}"
    assert crew.is_whole(first, body)
    assert lines > 10
