"""A worker process is killed while it makes chunks of a film that still arrives."""

from collections.abc import Iterator
from pathlib import Path

import arriving
import crewhouse
import crewroom
import pytest
import servers
from arriving import Arrival
from crewhouse import House
from crewroom import Crew

from pipeline.catalog import keys
from pipeline.catalog.models import State
from workers import child, connections, sweep

pytestmark = [pytest.mark.xdist_group("recovery"), pytest.mark.timeout(400)]

QUICK = {"lease_s": 3, "sweep_s": 0.3}


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    with crewroom.crew(tmp_path / "data", monkeypatch, sandbox="none", **QUICK) as crew:
        monkeypatch.setattr(child, "run", arriving.run)
        yield crew


@pytest.fixture
def house(crew: Crew, tmp_path: Path) -> Iterator[House]:
    with crewhouse.house(tmp_path / "data", 1, actors="inflight_actors", **QUICK) as house:
        yield house
        print(house.log.read_text()[-8000:])  # noqa: T201  (shown when a test fails)


def test_a_worker_killed_in_early_chunks_leaves_no_trace_in_the_film(crew: Crew, tmp_path: Path, house: House) -> None:
    film = arriving.film(tmp_path / "film.mov")
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, film.index)
    arrival.send(film.body, film.until(8))
    deaths = tmp_path / "data" / "deaths"

    servers.wait_for(lambda: "chunk/0001" in arrival.outputs(), within_s=150, every_s=0.3)

    assert deaths.read_bytes() == b"xx"
    assert crew.asset(arrival.asset_id).state is State.RECEIVING
    early = arrival.outputs()
    arrival.send(film.body)
    servers.wait_for(lambda: crew.asset(arrival.asset_id).state is State.READY, within_s=150, every_s=0.3)
    house.stop()
    plain = Arrival(crew, len(film.body))
    plain.send(film.body)
    crew.work()
    assert arrival.digests() == plain.digests()
    assert arrival.outputs().items() >= early.items()
    sweep.tidy()
    files = {key for key in arrival.objects() if key.startswith(keys.made(arrival.asset_id))}
    assert len(files) == len(arrival.digests())
    assert connections.settings().lease_s == QUICK["lease_s"]
