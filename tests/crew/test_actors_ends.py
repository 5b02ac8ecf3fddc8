"""The other ways an attempt ends: taken over, stopped, or nobody's fault."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import crewroom
import pytest
import servers
import tiny_child
from crewroom import Crew, claim_of
from sqlalchemy import update

from pipeline.catalog import assets, keys
from pipeline.catalog.models import Claim, State
from pipeline.catalog.storage import StorageDown
from pipeline.errors import SandboxUnavailable
from workers import actors, child, connections, unit


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    with crewroom.crew(tmp_path, monkeypatch, sandbox="none", lease_s=5) as crew:
        yield crew


@pytest.fixture
def busy(crew: Crew) -> Iterator[tuple[str, threading.Thread]]:
    """A film whose poster takes 30 s, and the worker at it."""
    asset_id = crew.send(tiny_child.film(chunks=1, seconds=30))
    crew.measure(asset_id)
    worker = threading.Thread(target=actors.make.fn, args=(asset_id, "poster"))
    worker.start()
    servers.wait_for(lambda: claim_of(asset_id, "poster").progress == 0.5)
    yield asset_id, worker
    unit.stopping.set()
    worker.join()


def test_a_worker_that_was_taken_over_stops_and_leaves_nothing(crew: Crew, busy: tuple[str, threading.Thread]) -> None:
    asset_id, worker = busy
    with connections.transaction() as session:
        session.execute(update(Claim).where(Claim.name == "poster").values(lease_until=1.0))
        newer = assets.claim(session, asset_id, "poster", worker="another")

    worker.join(60)

    assert not worker.is_alive()
    assert newer is not None
    assert claim_of(asset_id, "poster").worker == "another"
    assert list(connections.objects().list(keys.made(asset_id))) == []


def test_an_erased_asset_stops_its_worker(crew: Crew, busy: tuple[str, threading.Thread]) -> None:
    asset_id, worker = busy
    with connections.transaction() as session:
        assets.erase(session, asset_id)

    worker.join(60)

    assert not worker.is_alive()


def test_a_lease_is_kept_for_as_long_as_the_work_takes(crew: Crew, busy: tuple[str, threading.Thread]) -> None:
    asset_id, worker = busy
    first = claim_of(asset_id, "poster").lease_until
    servers.wait_for(lambda: (claim_of(asset_id, "poster").lease_until or 0) > (first or 0) + 5)  # twice the lease

    with connections.transaction() as session:
        assert assets.claim(session, asset_id, "poster", worker="another") is None
    assert worker.is_alive()


def test_two_messages_at_once_make_one_output(crew: Crew) -> None:
    body = tiny_child.film(chunks=1, seconds=0.2)
    asset_id = crew.send(body)
    crew.measure(asset_id)

    workers = [threading.Thread(target=actors.make.fn, args=(asset_id, "poster")) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert crew.made(asset_id) == [("poster", [tiny_child.digest(body, "poster")] * 2)]
    assert claim_of(asset_id, "poster").attempts == 1


@pytest.mark.parametrize("down", [StorageDown("no route"), SandboxUnavailable("no user namespaces")])
def test_what_is_nobodys_fault_is_tried_again_later_and_not_counted(
    crew: Crew, monkeypatch: pytest.MonkeyPatch, down: Exception
) -> None:
    body = tiny_child.film(chunks=1)
    asset_id = crew.send(body)

    def broken(*_: object, **__: object) -> Any:
        raise down

    with monkeypatch.context() as context:
        context.setattr(child, "run", broken)
        crew.work()
    claim = claim_of(asset_id, "ingest")
    assert (claim.attempts, claim.done) == (0, False)
    assert claim.lease_until is not None  # nobody tries before that
    assert crew.asset(asset_id).state is State.PROCESSING

    with connections.transaction() as session:
        session.execute(update(Claim).values(lease_until=None))
    actors.ingest.fn(asset_id)
    crew.work()
    assert crew.is_whole(asset_id, body)


def test_a_fault_of_this_machine_rests_between_attempts_and_is_not_tried_for_ever(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset_id = crew.send(tiny_child.film(chunks=1))

    def broken(*_: object, **__: object) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(child, "run", broken)
    for attempt in (1, 2, 3):
        actors.ingest.fn(asset_id)
        claim = claim_of(asset_id, "ingest")
        assert claim.attempts == attempt
        assert (claim.lease_until is not None) == (attempt < 3)
        with connections.transaction() as session:
            session.execute(update(Claim).values(lease_until=None))

    asset = crew.asset(asset_id)
    assert (asset.state, asset.reason) == (State.FAILED, "unexpected")
    assert asset.detail == "ingest: OSError(28, 'No space left on device')"


def test_a_child_may_not_choose_what_is_served(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    asset_id = crew.send(tiny_child.film(chunks=1))
    crew.measure(asset_id)
    honest = child.run

    def lying(*args: Any, **how: Any) -> Any:
        answer = honest(*args, **how)
        answer["result"]["files"][0]["content_type"] = "text/html"
        return answer

    monkeypatch.setattr(child, "run", lying)
    crew.work()

    asset = crew.asset(asset_id)
    assert (asset.state, asset.reason) == (State.FAILED, "engine-failed")
    assert "'text/html' is no type we serve" in str(asset.detail)
