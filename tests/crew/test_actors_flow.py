"""The way of a film through the crew: measured, planned, made, published; and every other way it can end."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import crewroom
import pytest
import servers
import tiny_child
from crewroom import Crew
from sqlalchemy import update

from pipeline.catalog import keys, turn
from pipeline.catalog.models import Asset, Output, State
from workers import actors, attempt, child, connections, sandbox, standby


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    with crewroom.crew(tmp_path, monkeypatch) as crew:
        yield crew


def test_a_film_is_measured_planned_made_and_ready(crew: Crew) -> None:
    body = tiny_child.film(chunks=3)
    asset_id = crew.send(body)

    called = crew.work()

    assert called == ["ingest", "make poster", *(f"make chunk/000{number}" for number in range(3)), "make preview"]
    assert crew.is_whole(asset_id, body)
    assert list((connections.settings().work_dir).iterdir()) == []


def test_a_unit_that_measured_makes_the_first_output_unasked(crew: Crew) -> None:
    asset_id = crew.send(tiny_child.film(chunks=2))

    actors.ingest.fn(asset_id)

    assert [name for name, _ in crew.made(asset_id)] == ["poster"]


@pytest.mark.parametrize(("cores", "asked"), [(2, 3), (4, 1)])
def test_what_nobody_waits_for_begins_when_a_first_chunk_is_done_or_leaves_cores(
    crew: Crew, monkeypatch: pytest.MonkeyPatch, cores: int, asked: int
) -> None:
    body, in_front = tiny_child.film(chunks=2), [0, 1, 1]  # from the last to the first answer
    asset_id = crew.send(body)
    crew.measure(asset_id)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(turn, "in_front", lambda *_: in_front.pop())

    actors.make.fn(asset_id, "chunk/0001")

    assert len(in_front) == 3 - asked
    assert [name for name, _ in crew.made(asset_id)] == ["chunk/0001"]


def test_a_first_chunk_that_does_not_end_is_not_waited_for_for_ever(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = tiny_child.film(chunks=2)
    asset_id = crew.send(body)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(turn, "in_front", lambda *_: 1)
    monkeypatch.setattr(attempt, "_PATIENCE_S", 0.01)

    crew.work()

    assert crew.is_whole(asset_id, body)


def test_of_a_busy_machine_s_cores_first_chunks_get_theirs_first(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    behind: dict[str, int] = {}
    run = child.run

    def told(job: dict[str, Any], **how: Any) -> Any:
        behind[job.get("name", job["verb"])] = how["limits"].nice
        return run(job, **how)

    monkeypatch.setattr(child, "run", told)
    crew.send(tiny_child.film(chunks=2))
    crew.work()

    assert behind == {"measure": 0, "poster": 0, "chunk/0000": 0, "chunk/0001": 5, "preview": 10}


def test_who_waits_for_a_film_does_all_of_it_and_nothing_of_another(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: dict[str, list[str]] = defaultdict(list)  # by the room of the child
    run = child.run

    def told(job: dict[str, Any], **how: Any) -> Any:
        handed[how["room"].name].append(job.get("name", job["verb"]))
        return run(job, **how)

    for program in ("AHEAD", "CHILD"):
        monkeypatch.setattr(standby, program, tiny_child.program())
    monkeypatch.setattr(child, "run", told)
    bodies = [tiny_child.film(chunks=2, n=n) for n in range(2)]
    standby.keeper.start(sandbox.Limits.of(connections.settings()))
    try:
        servers.wait_for(standby.keeper.is_ready, within_s=60)
        for body in bodies:
            asset_id = crew.send(body)
            crew.work()
            assert crew.is_whole(asset_id, body)
    finally:
        standby.keeper.stop()

    names = ["chunk/0000", "chunk/0001", "measure", "poster", "preview"]
    assert [sorted(done) for done in handed.values()] == [names, names]
    assert list(connections.settings().work_dir.iterdir()) == []


def test_a_file_at_fault_ends_with_its_reason(crew: Crew) -> None:
    asset_id = crew.send(tiny_child.film(rejected="no-picture"))

    assert crew.work() == ["ingest"]

    asset = crew.asset(asset_id)
    assert (asset.state, asset.reason, asset.detail) == (State.REJECTED, "no-picture", "as the film says")


def test_a_craft_that_fails_each_time_ends_as_failed(crew: Crew) -> None:
    asset_id = crew.send(tiny_child.film(chunks=1, fails="engine-failed"))

    called = crew.work()

    asset = crew.asset(asset_id)
    assert (asset.state, asset.reason) == (State.FAILED, "engine-failed")
    assert asset.detail == "poster: as the film says"
    assert called.count("make poster") == 3


def test_a_film_in_hand_during_an_upgrade_is_decided_anew(crew: Crew) -> None:
    body = tiny_child.film(chunks=2)
    asset_id = crew.send(body)
    crew.measure(asset_id)
    actors.make.fn(asset_id, "poster")
    with connections.transaction() as session:  # as code wrote it that this code cannot read
        session.execute(update(Asset).values(source={"fails": "plan-outdated"}, recipe="tiny-0"))
        session.execute(update(Output).values(recipe="tiny-0"))

    called = crew.work()

    assert called.count("ingest") == 1 + 1  # the first message was still on its way
    assert crew.is_whole(asset_id, body)


def test_a_message_that_comes_twice_is_harmless(crew: Crew) -> None:
    body = tiny_child.film(chunks=1)
    asset_id = crew.send(body)
    crew.work()

    crew.measure(asset_id)
    actors.make.fn(asset_id, "poster")
    actors.make.fn("0199d1f2-0000-7000-8000-000000000000", "poster")

    assert crew.is_whole(asset_id, body)
    assert crew.work() == []


def test_originals_that_are_gone_end_as_failed(crew: Crew) -> None:
    asset_id = crew.send(tiny_child.film(chunks=1))
    connections.objects().delete_prefix(keys.asset(asset_id))

    crew.work()

    asset = crew.asset(asset_id)
    assert (asset.state, asset.reason) == (State.FAILED, "unexpected")
    assert "NotStored" in str(asset.detail)
