"""`walkaround bench pool`: what its tables say of given times, and its crew with real units and a painted film."""

from pathlib import Path

import pytest
from painting import paint

from workers.bench import pool, tables
from workers.bench.crew import Way, Work, as_in_production, crew

pytestmark = [pytest.mark.xdist_group("recovery"), pytest.mark.timeout(400)]


def chunk(asset_id: str, queued_at: float, started_at: float, queue: str = "film") -> Work:
    return Work(asset_id, "chunk/0001", queue, queued_at, started_at, started_at + 2)


def test_a_chunk_that_was_begun_while_a_short_film_waited_is_counted() -> None:
    short = chunk("short", queued_at=10, started_at=14)
    before, during, after = (chunk("long", queued_at=0, started_at=at) for at in (9, 12, 15))
    elsewhere = chunk("long", queued_at=0, started_at=12, queue="express")

    assert pool._overtaken([before, after, elsewhere], [short]) == 0
    assert pool._overtaken([before, during, after], [short]) == 1


def test_the_delay_is_told_in_seconds_and_in_chunks_time() -> None:
    alone = [Way(0, 1.0, 4.0, 5.0), Way(0, 2.0, 6.0, 7.0)]
    mixed = [Way(0, 1.5, 5.0, 6.0), Way(0, 2.5, 6.5, 9.0)]

    text = tables.markdown(pool._fair(alone, mixed, [2.0, 2.5, 2.0], 0, 600))

    assert "| 1 | 1.00 | 1.50 | +0.50 | 4.00 | 5.00 | +1.00 | 5.00 | 6.00 | +1.00 |" in text
    assert "took 2.00 s (median of 3; longest 2.50 s)" in text
    assert "Longest delay of all renditions: 1.00 s, 0.50 chunks' time." in text


def test_two_units_are_told_beside_one() -> None:
    text = tables.markdown(pool._faster(Way(0, 2.0, 20.0, 22.0), Way(0, 2.0, 10.0, 11.0), 120))

    assert "| all renditions | 20.00 s | 10.00 s | 2.00× |" in text


def test_the_crew_makes_a_film_and_tells_from_the_rows_when(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=7, size=(160, 120))
    with crew(tmp_path / "crew", as_in_production(2)) as house:
        asset_id = house.send("A", film, "workshop")
        (way,) = house.wait(asset_id)
        chunks = house.chunks(asset_id)

    assert 0 < way.playable <= way.renditions <= way.ready
    assert sorted(work.name for work in chunks) == ["chunk/0000", "chunk/0001", "chunk/0002"]
    assert {work.queue for work in chunks} == {"express", "film"}
    assert all(work.queued_at <= work.started_at < work.made_at for work in chunks)
