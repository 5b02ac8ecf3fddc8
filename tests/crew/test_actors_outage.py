"""The database goes while an attempt ends: what was made is not lost, and nothing asked of it is written down."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import crewroom
import pytest
import structlog
import tiny_child
from crewroom import Crew, claim_of
from psycopg.errors import IndexCorrupted
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.orm import Session

from pipeline.catalog import assets
from pipeline.catalog.storage import StorageDown
from workers import actors, child, connections
from workers.attempt import Attempt


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    with crewroom.crew(tmp_path, monkeypatch, sandbox="none", lease_s=5) as crew:
        yield crew


# What SQLAlchemy makes of a server that is gone, and of a connection that is.
GONE = (
    OperationalError("UPDATE", {}, Exception("the server went away")),
    InterfaceError("UPDATE", {}, Exception("the connection is closed")),
)


class Outage:
    """A database that does not answer until it has been asked `times` times by one thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, times: int, error: Exception = GONE[0]) -> None:
        self.left, self._error = times, error
        self._thread = threading.get_ident()
        self._honest = connections.transaction
        monkeypatch.setattr("workers.attempt.transaction", self.transaction)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        if threading.get_ident() == self._thread and self.left:
            self.left -= 1
            raise self._error
        with self._honest() as session:
            yield session


@pytest.mark.parametrize("heard", [True, False])
def test_what_was_made_is_recorded_when_the_database_is_back(
    crew: Crew, monkeypatch: pytest.MonkeyPatch, heard: bool
) -> None:
    body = tiny_child.film(chunks=1)
    asset_id = crew.send(body)
    crew.measure(asset_id)
    honest = assets.publish
    answers = []

    def interrupted(session: Session, *how: Any, **more: Any) -> bool:
        answers.append(honest(session, *how, **more))
        if len(answers) < 3:
            if not heard:  # committed, and then the connection broke
                session.commit()
            raise OperationalError("COMMIT", {}, Exception("the server went away"))
        return answers[-1]

    with monkeypatch.context() as context:
        context.setattr(assets, "publish", interrupted)
        actors.make.fn(asset_id, "poster")

    assert set(answers) == {True}
    assert len(answers) >= 2
    assert crew.made(asset_id) == [("poster", [tiny_child.digest(body, "poster")] * 2)]
    assert claim_of(asset_id, "poster").attempts == 1


@pytest.mark.parametrize("gone", GONE, ids=lambda error: type(error).__name__)
def test_work_is_given_back_uncounted_when_the_database_is_back(
    crew: Crew, monkeypatch: pytest.MonkeyPatch, gone: Exception
) -> None:
    asset_id = crew.send(tiny_child.film(chunks=1))

    def broken(*_: object, **__: object) -> Any:
        Outage(monkeypatch, times=2, error=gone)
        raise StorageDown("no route")

    monkeypatch.setattr(child, "run", broken)
    actors.ingest.fn(asset_id)

    assert claim_of(asset_id, "ingest").attempts == 0


@pytest.mark.parametrize("gone", GONE, ids=lambda error: type(error).__name__)
def test_work_that_finds_the_database_gone_does_not_count(
    crew: Crew, monkeypatch: pytest.MonkeyPatch, gone: Exception
) -> None:
    asset_id = crew.send(tiny_child.film(chunks=1))

    def broken(*_: object, **__: object) -> Any:
        raise gone

    monkeypatch.setattr(child, "run", broken)
    actors.ingest.fn(asset_id)

    assert claim_of(asset_id, "ingest").attempts == 0


def test_work_at_which_the_database_finds_itself_broken_counts(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    asset_id = crew.send(tiny_child.film(chunks=1))

    def broken(*_: object, **__: object) -> Any:
        raise InternalError("SELECT", {}, IndexCorrupted('could not read block 7 of index "claim_asset_id"'))

    monkeypatch.setattr(child, "run", broken)
    actors.ingest.fn(asset_id)

    assert claim_of(asset_id, "ingest").attempts == 1


@pytest.mark.parametrize("gone", GONE, ids=lambda error: type(error).__name__)
def test_a_lease_is_kept_over_an_outage_and_its_lines_name_their_request(
    crew: Crew, monkeypatch: pytest.MonkeyPatch, gone: Exception
) -> None:
    asset_id = crew.send(tiny_child.film(chunks=1))
    with connections.transaction() as session:
        lease = assets.claim(session, asset_id, "ingest", worker="me", lease_s=5)
    honest, renewed, requests = assets.renew, threading.Event(), []

    def renew(*how: Any, **more: Any) -> bool:
        requests.append(structlog.contextvars.get_contextvars().get("request_id"))
        if len(requests) == 1:
            raise gone
        renewed.set()
        return honest(*how, **more)

    monkeypatch.setattr(assets, "renew", renew)
    with structlog.contextvars.bound_contextvars(request_id="req-7"), Attempt(lease) as current:
        assert renewed.wait(60)
        assert not current.cancelled()

    assert set(requests) == {"req-7"}


def test_a_database_gone_for_longer_than_the_lease_holds_no_worker(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    asset_id = crew.send(tiny_child.film(chunks=1))

    def broken(*_: object, **__: object) -> Any:
        Outage(monkeypatch, times=10**6)
        raise StorageDown("no route")

    monkeypatch.setattr(child, "run", broken)
    began = time.monotonic()
    actors.ingest.fn(asset_id)

    assert time.monotonic() - began < 60  # the lease is 5 s
    assert claim_of(asset_id, "ingest").attempts == 1


def test_no_log_line_holds_what_the_database_was_asked(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = "plate AB-123-CD"
    asset_id = crew.send(tiny_child.film(chunks=1))

    def broken(*_: object, **__: object) -> Any:
        with connections.transaction() as session:
            session.execute(text("SELECT * FROM cars WHERE name = :name"), {"name": canary})

    monkeypatch.setattr(child, "run", broken)
    with structlog.testing.capture_logs() as lines:
        actors.ingest.fn(asset_id)

    (line,) = [line for line in lines if line["event"] == "attempt.postponed"]
    assert line["detail"] == "OperationalError: no such table: cars"
    assert canary not in str(lines)
