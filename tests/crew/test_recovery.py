"""Workers, masters, relay and broker die, stop and forget; the end is always the same."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import crewhouse
import crewroom
import pytest
import servers
import tiny_child
from crewhouse import House
from crewroom import Crew
from sqlalchemy import select

from pipeline.catalog import keys
from pipeline.catalog.models import INGEST, Claim, State
from workers import connections, sweep

pytestmark = [pytest.mark.xdist_group("recovery"), pytest.mark.timeout(400)]

LEASE_S = 4
QUICK = {"lease_s": LEASE_S, "sweep_s": 0.3, "window": 3}


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    with crewroom.crew(tmp_path, monkeypatch, sandbox="none", **QUICK) as crew:
        yield crew


@pytest.fixture
def house(crew: Crew, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    with crewhouse.house(tmp_path, getattr(request, "param", 2), **QUICK) as house:
        yield house
        print(house.log.read_text()[-8000:])  # noqa: T201  (shown when a test fails)


def test_nothing_is_lost_doubled_or_torn_whatever_dies(crew: Crew, house: House) -> None:
    chance = random.Random(20261122)
    films = {crew.send(body): body for body in (tiny_child.film(chunks=6, seconds=0.1, n=n) for n in range(4))}

    def kill_worker() -> None:
        house.signal_worker(chance.randrange(2), signal.SIGKILL)

    def kill_master() -> None:
        house.units[chance.randrange(2)].kill()

    def stop_past_the_lease() -> None:
        worker = house.signal_worker(chance.randrange(2), signal.SIGSTOP)
        time.sleep(LEASE_S + 0.7)
        with suppress(ProcessLookupError):  # one that was dying when it was stopped
            os.kill(worker, signal.SIGCONT)

    def kill_valkey() -> None:
        house.valkey.kill()
        time.sleep(0.3)
        house.valkey.start()

    house.worker(0), house.worker(1)
    for fault in (kill_worker, house.valkey.flush, stop_past_the_lease, kill_master, kill_valkey, house.relay.kill):
        time.sleep(chance.uniform(0.3, 0.8))
        fault()

    servers.wait_for(
        lambda: all(crew.is_whole(asset_id, body) for asset_id, body in films.items()), within_s=150, every_s=0.3
    )
    time.sleep(2 * LEASE_S + 0.2)
    sweep.tidy()
    for asset_id in films:
        assert len(list(connections.objects().list(keys.made(asset_id)))) == 2 * len(crew.made(asset_id))


@pytest.mark.parametrize("house", [1], indirect=True)
def test_a_film_that_kills_its_worker_fails_and_holds_nobody_up(crew: Crew, house: House) -> None:
    poison = crew.send(tiny_child.film(chunks=1, kills=True))
    body = tiny_child.film(chunks=2)
    good = crew.send(body)

    servers.wait_for(lambda: crew.is_whole(good, body), within_s=150, every_s=0.2)
    servers.wait_for(lambda: crew.asset(poison).state is State.FAILED, within_s=150, every_s=0.2)

    asset = crew.asset(poison)
    assert asset.reason == "worker-lost"
    assert "3 attempts, limit 3" in str(asset.detail)


@pytest.mark.parametrize("house", [1], indirect=True)
def test_a_worker_asked_to_stop_gives_its_work_back_at_once(crew: Crew, house: House) -> None:
    asset_id = crew.send(tiny_child.film(chunks=1, seconds=90))
    servers.wait_for(lambda: any(claim.lease_until and not claim.done for claim in outputs(asset_id)), within_s=90)

    began = time.monotonic()
    house.signal_worker(0, signal.SIGTERM)  # as a supervisor does that means the whole group
    house.stop()

    assert time.monotonic() - began < 30  # 5 s when the machine has nothing else to do, 90 s if it ended its work first
    assert {(claim.lease_until, claim.attempts) for claim in outputs(asset_id)} == {(None, 0)}
    assert {claim.fence for claim in outputs(asset_id)} == {0, 1}


@pytest.mark.parametrize("house", [1], indirect=True)
def test_workers_die_with_their_master(crew: Crew, house: House) -> None:
    worker = house.worker(0)

    house.units[0].kill()

    def it_is_gone() -> bool:
        try:
            return b"State:\tZ" in Path(f"/proc/{worker}/status").read_bytes()
        except OSError:  # gone, or going while it is read
            return True

    servers.wait_for(it_is_gone, within_s=90)


def outputs(asset_id: str) -> list[Claim]:
    with connections.reading() as session:
        return list(session.scalars(select(Claim).where(Claim.asset_id == asset_id, Claim.name != INGEST)))
