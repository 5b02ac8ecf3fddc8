"""Two workers on hosts of their own, which share the database, the broker and S3 and nothing else."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hosts
import pytest
import servers
from painting import paint
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from pipeline.catalog import assets, engine, keys, storage
from pipeline.catalog.models import INGEST, Asset, Base, Claim, Output, State

pytestmark = [pytest.mark.xdist_group("hosts"), pytest.mark.timeout(600)]

LEASE_S = 6
PATIENCE_S = 180  # on a busy machine; alone, all of it takes half a minute
PART_BYTES = 1 << 18


@dataclass
class Pool:
    """Three hosts: the store, and two for workers."""

    store: hosts.Host
    workers: tuple[hosts.Host, hosts.Host]
    settings: dict[str, str]
    database: Engine
    objects: storage.Storage

    def send(self, film: bytes) -> str:
        """Upload as the upload process does: bytes first, then the row. Returns the asset's id."""
        with Session(self.database) as session:
            asset_id = assets.create(session, owner="dealer", preset="workshop", size=len(film)).id
            session.commit()
            for offset in range(0, len(film), PART_BYTES):
                piece, key = film[offset : offset + PART_BYTES], keys.part(asset_id, offset, "n1")
                self.objects.put(key, piece)
                assets.add_part(session, asset_id, offset=offset, length=len(piece), key=key)
                session.commit()
        return asset_id

    def claims(self, asset_id: str) -> list[Claim]:
        """On outputs, in the order of the plan."""
        with Session(self.database) as session:
            mine = select(Claim).where(Claim.asset_id == asset_id, Claim.name != INGEST)
            return list(session.scalars(mine.order_by(Claim.position)))

    def is_ready(self, asset_id: str) -> bool:
        with Session(self.database) as session:
            asset = session.get_one(Asset, asset_id)
            assert asset.state in (State.PROCESSING, State.READY), asset.detail
            return asset.state is State.READY

    def made(self, asset_id: str) -> dict[str, bytes]:
        """The bytes of every file that rows name, by output and file."""
        with Session(self.database) as session:
            rows = session.scalars(select(Output).where(Output.asset_id == asset_id)).all()
        assert len({row.name for row in rows}) == len(rows)
        return {
            f"{row.name}/{file['path']}": self.objects.get(keys.file(row.prefix, file["path"]))
            for row in rows
            for file in row.files
        }


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    try:
        with hosts.hosts("store", "bay-1", "bay-2") as (store, *workers), store.inside(), hosts.stores(store) as given:
            for name, value in given.items():
                monkeypatch.setenv(name, value)
            database = engine.connect(given["DATABASE_URL"])
            Base.metadata.create_all(database)
            quick = given | {"LEASE_S": str(LEASE_S), "SWEEP_S": "0.3"}
            hosts.relay(store, **quick)
            yield Pool(store, tuple(workers), quick, database, storage.connect(given["STORAGE_URL"]))
            database.dispose()
            print(*(host.log.read_text()[-4000:] for host in (store, *workers)))  # noqa: T201  (shown on failure)
    except hosts.Impossible as reason:
        pytest.skip(f"no network namespaces here: {reason}")


def test_a_film_is_finished_by_the_other_host_when_one_is_killed_in_the_middle(pool: Pool, tmp_path: Path) -> None:
    lost, left = pool.workers
    units = [hosts.unit(host, **pool.settings) for host in pool.workers]
    for host in pool.workers:
        servers.wait_for(lambda host=host: "ready for action" in host.log.read_text(), within_s=PATIENCE_S)
    # Long enough that both hosts are still at it when one is killed.
    film = paint(tmp_path / "film.mp4", seconds=30, size=(160, 120)).read_bytes()
    asset_id = pool.send(film)

    def both_have_made_some() -> bool:
        done = [claim.worker for claim in pool.claims(asset_id) if claim.done and claim.name.startswith("chunk/")]
        return {str(worker).split(":")[0] for worker in done} == {"bay-1", "bay-2"}

    servers.wait_for(both_have_made_some, within_s=PATIENCE_S)
    held = kill_while_it_makes_a_chunk(pool, asset_id, lost)
    assert units[0].poll() == -signal.SIGKILL

    servers.wait_for(lambda: pool.is_ready(asset_id), within_s=PATIENCE_S, every_s=0.2)
    by_name = {claim.name: claim for claim in pool.claims(asset_id)}
    assert str(by_name[held].worker).startswith("bay-2:")
    assert by_name[held].attempts == 2
    assert sum(claim.attempts for claim in by_name.values()) == len(by_name) + 1
    assert {path.name for path in left.folder.iterdir()} == {"work"}

    # The same film again, with one worker left in the house.
    alone = pool.send(film)
    servers.wait_for(lambda: pool.is_ready(alone), within_s=PATIENCE_S, every_s=0.2)
    made, made_alone = pool.made(asset_id), pool.made(alone)
    assert sum(name.startswith("chunk/") for name in made) >= 5
    assert made.keys() == made_alone.keys()
    assert [name for name in made if made[name] != made_alone[name]] == []

    # And of the chunk that was being made when its host died, nothing is left.
    time.sleep(2 * LEASE_S)
    sweep = left.start(sys.executable, "-c", "from workers import sweep; sweep.tidy()", **pool.settings)
    assert sweep.wait(PATIENCE_S) == 0
    stored = {found.key for found in pool.objects.list(keys.made(asset_id))}
    assert len(stored) == len(made)


def kill_while_it_makes_a_chunk(pool: Pool, asset_id: str, host: hosts.Host) -> str:
    """Kill everything on this host while a chunk is being made there; the chunk's name."""
    held: list[str] = []

    def it_holds_a_chunk() -> bool:
        """The worker is stopped before it is looked at again, so that it cannot end meanwhile."""
        for claim in pool.claims(asset_id):
            if claim.done or not claim.lease_until or not str(claim.worker).startswith(f"{host.name}:"):
                continue
            worker = int(str(claim.worker).split(":")[1])
            os.kill(worker, signal.SIGSTOP)
            again = next(each for each in pool.claims(asset_id) if each.name == claim.name)
            if claim.name.startswith("chunk/") and not again.done and again.fence == claim.fence:
                held.append(claim.name)
                return True
            os.kill(worker, signal.SIGCONT)
        return False

    servers.wait_for(it_holds_a_chunk, within_s=PATIENCE_S, every_s=0.02)
    host.kill()
    return held[0]
