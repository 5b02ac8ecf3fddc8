"""A long film of one dealer's, then five short ones of another's, on units as they run in production.

Everything is asserted from the rows: who waited, in which queue, when another was begun. Two processes write to one
database whose writers take turns, so that its times are in the order of what happened.
"""

from collections.abc import Iterator
from pathlib import Path

import crewhouse
import crewroom
import pytest
import servers
import tiny_child
from crewhouse import House
from crewroom import Crew
from sqlalchemy import select

from pipeline.catalog import assets
from pipeline.catalog.models import INGEST, Asset, Claim, Output
from workers import connections
from workers.queues import UNITS

pytestmark = [pytest.mark.xdist_group("recovery"), pytest.mark.timeout(400)]

SETTINGS = {"sweep_s": 1, "window": 6}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mix")


@pytest.fixture(scope="module")
def crew(folder: Path) -> Iterator[Crew]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        with crewroom.crew(folder, monkeypatch, sandbox="none", **SETTINGS) as crew:
            yield crew


@pytest.fixture(scope="module")
def house(crew: Crew, folder: Path) -> Iterator[House]:
    units = [UNITS["express"], UNITS["film"], UNITS["film"], UNITS["later"]]
    with crewhouse.house(folder, units, **SETTINGS) as house:
        yield house
        print(house.log.read_text()[-8000:])  # noqa: T201  (shown when a test fails)


@pytest.fixture(autouse=True)
def cleared(crew: Crew) -> Iterator[None]:
    """Nothing is left to do for the next test."""
    yield
    with connections.transaction() as session:
        for asset_id in session.scalars(select(Asset.id)).all():
            assets.erase(session, asset_id)


def claims(*asset_ids: str) -> list[Claim]:
    """On outputs, in the order in which they were begun."""
    with connections.reading() as session:
        mine = select(Claim).where(Claim.asset_id.in_(asset_ids), Claim.name != INGEST)
        return list(session.scalars(mine.order_by(Claim.started_at)))


def at(moment: float | None) -> float:
    assert moment is not None
    return moment


def made_at(asset_id: str) -> dict[str, float]:
    """When each output was recorded, by name."""
    with connections.reading() as session:
        return {row.name: row.made_at for row in session.scalars(select(Output).where(Output.asset_id == asset_id))}


def test_short_films_are_not_delayed_by_more_than_the_chunk_that_is_being_made(crew: Crew, house: House) -> None:
    long = crew.send(tiny_child.film(chunks=150, seconds=0.1), part_bytes=100_000, owner="A")
    bodies = [tiny_child.film(chunks=3, seconds=0.1, n=number) for number in range(5)]

    def so_many_of_the_long_film_are_made(count: int) -> None:
        servers.wait_for(lambda: sum(claim.done for claim in claims(long)) >= count, within_s=120, every_s=0.2)

    so_many_of_the_long_film_are_made(6)
    shorts = [crew.send(body, owner="B") for body in bodies]
    for short, body in zip(shorts, bodies, strict=True):
        servers.wait_for(lambda: crew.is_whole(short, body), within_s=120, every_s=0.2)  # noqa: B023
    made = sum(claim.done for claim in claims(long))
    so_many_of_the_long_film_are_made(made + 6)  # it was there all the time, gave way, and goes on

    overtaken = {
        (short.asset_id, short.name): [
            chunk.name
            for chunk in claims(long)
            if chunk.started_at and chunk.queue == short.queue
            if at(short.queued_at) < chunk.started_at < at(short.started_at)
        ]
        for short in claims(*shorts)
    }
    # Nothing of the long film is begun while something of a short one stands in the same queue. A unit looks before it
    # takes: each of the two may have looked just before the short one came.
    assert max(len(names) for names in overtaken.values()) <= 2


def test_first_chunks_and_posters_are_made_by_units_that_make_no_other_chunks(crew: Crew, house: House) -> None:
    films = {crew.send(body, owner="A"): body for body in (tiny_child.film(chunks=4, n=number) for number in range(2))}
    for asset_id, body in films.items():
        servers.wait_for(lambda: crew.is_whole(asset_id, body), within_s=120, every_s=0.2)  # noqa: B023

    workers = {
        queue: {claim.worker for claim in claims(*films) if claim.queue == queue}
        for queue in ("express", "film", "later")
    }
    assert len(workers["express"]) == len(workers["later"]) == 1
    assert not workers["film"] & (workers["express"] | workers["later"])


def test_the_chunks_of_one_film_are_made_on_all_units_at_once(crew: Crew, house: House) -> None:
    body = tiny_child.film(chunks=12, seconds=0.8)  # far more than a busy machine needs from one to the next
    asset_id = crew.send(body)
    servers.wait_for(lambda: crew.is_whole(asset_id, body), within_s=120, every_s=0.2)

    chunks = [claim for claim in claims(asset_id) if claim.queue == "film"]
    assert {claim.attempts for claim in chunks} == {1}
    by_worker: dict[str, list[Claim]] = {}
    for claim in chunks:
        by_worker.setdefault(str(claim.worker), []).append(claim)
    one, other = by_worker.values()
    assert len(one) >= 3
    assert len(other) >= 3
    ended = made_at(asset_id)
    at_once = [
        (first.name, second.name)
        for first in one
        for second in other
        if at(first.started_at) < ended[second.name] and at(second.started_at) < ended[first.name]
    ]
    assert len(at_once) >= 4
