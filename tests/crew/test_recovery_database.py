"""A real PostgreSQL crashes under a crew of real processes, and comes back."""

import time
from collections.abc import Iterator
from pathlib import Path

import crewhouse
import crewroom
import pytest
import servers
import tiny_child
from crewhouse import House
from crewroom import Crew
from sqlalchemy import func, select

from pipeline.catalog import keys
from pipeline.catalog.models import Asset, Output, State
from workers import connections, sweep

pytestmark = [pytest.mark.xdist_group("recovery"), pytest.mark.timeout(400)]

LEASE_S = 2
# Twice the usual attempts: each crash takes one from whoever it catches, and on a busy machine leases run out too.
QUICK = {"lease_s": LEASE_S, "max_attempts": 6, "sweep_s": 0.3, "window": 4, "log_format": "json"}


@pytest.fixture
def database() -> Iterator[servers.PostgreSQL]:
    with servers.database() as server:
        yield server


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: servers.PostgreSQL) -> Iterator[Crew]:
    with crewroom.crew(tmp_path, monkeypatch, sandbox="none", database_url=database.url, **QUICK) as crew:
        yield crew


@pytest.fixture
def house(crew: Crew, tmp_path: Path, database: servers.PostgreSQL) -> Iterator[House]:
    with crewhouse.house(tmp_path, 2, database_url=database.url, **QUICK) as house:
        yield house
        print(house.log.read_text()[-8000:])  # noqa: T201  (shown when a test fails)


def test_nothing_is_lost_doubled_or_failed_when_the_database_crashes(
    crew: Crew, house: House, database: servers.PostgreSQL
) -> None:
    films = {crew.send(body): body for body in (tiny_child.film(chunks=4, seconds=0.15, n=n) for n in range(3))}

    for made in (2, 8):
        servers.wait_for(lambda made=made: _recorded() >= made)
        database.crash()
        with connections.reading() as session:
            states = set(session.scalars(select(Asset.state)))
        assert states <= {State.PROCESSING, State.READY}
        assert _recorded() >= made, "what was recorded is not lost"

    servers.wait_for(lambda: all(crew.is_whole(asset_id, body) for asset_id, body in films.items()), every_s=0.2)
    assert "attempt.failed" not in house.log.read_text()
    time.sleep(2 * LEASE_S + 0.2)  # until then somebody might still store
    sweep.tidy()
    for asset_id in films:
        assert len(list(connections.objects().list(keys.made(asset_id)))) == 2 * len(crew.made(asset_id))


def _recorded() -> int:
    with connections.reading() as session:
        return session.scalar(select(func.count()).select_from(Output)) or 0
