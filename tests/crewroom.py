"""A crew without processes: the actors' own functions, called in the order the outbox asks for."""

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import blank
import pytest
import tiny_child
from sqlalchemy import select

from pipeline.catalog import assets, keys, turn
from pipeline.catalog.models import Asset, Claim, Outbox, State
from workers import child, connections, unit
from workers import settings as settings_room
from workers.settings import Settings


class Crew:
    """One data folder, and everything that happens in it."""

    def send(self, body: bytes, part_bytes: int = 700, owner: str = "dealer") -> str:
        """Upload a file as the upload process does: bytes first, then the row. Returns the asset's id."""
        with connections.transaction() as session:
            asset_id = assets.create(session, owner=owner, preset="workshop", size=len(body)).id
        for offset in range(0, len(body), part_bytes):
            piece, key = body[offset : offset + part_bytes], keys.part(asset_id, offset, "n1")
            connections.objects().put(key, piece)
            with connections.transaction() as session:
                assets.add_part(session, asset_id, offset=offset, length=len(piece), key=key)
        return asset_id

    def work(self, limit: int = 200) -> list[str]:
        """Answer every call until there is none; what was called for, in order."""
        from workers import actors

        called = []
        while row := self._next():
            called.append(" ".join(filter(None, (row.actor, row.args.get("name")))))
            getattr(actors, row.actor).fn(**row.args)
            assert len(called) < limit, called
        return called

    def measure(self, asset_id: str) -> None:
        """Measure and plan, and go on with nothing."""
        from workers import actors

        with mock.patch.object(turn, "follow", return_value=None):
            actors.ingest.fn(asset_id)

    def asset(self, asset_id: str) -> Asset:
        with connections.reading() as session:
            asset = session.get_one(Asset, asset_id)
            session.expunge_all()
            return asset

    def made(self, asset_id: str) -> list[tuple[str, list[str]]]:
        """What is recorded: each name with its files, read from the storage through its row."""
        with connections.reading() as session:
            return [
                (
                    row.name,
                    [connections.objects().get(keys.file(row.prefix, file["path"])).decode() for file in row.files],
                )
                for row in assets.outputs(session, asset_id)
            ]

    def is_whole(self, asset_id: str, body: bytes) -> bool:
        """Ready, and every output is exactly what its bytes make: none missing, none twice, none torn."""
        if self.asset(asset_id).state is not State.READY:
            return False
        chunks = json.loads(body)["chunks"]
        names = ["poster", "preview", *(f"chunk/{number:04}" for number in range(chunks))]
        assert self.made(asset_id) == [(name, [tiny_child.digest(body, name)] * 2) for name in sorted(names)]
        return True

    def _next(self) -> Outbox | None:
        with connections.transaction() as session:
            row = session.scalars(select(Outbox).where(Outbox.sent_at.is_(None)).order_by(Outbox.id)).first()
            if row is not None:
                row.sent_at = row.created_at
                session.flush()
                session.expunge(row)
            return row


@contextmanager
def crew(folder: Path, monkeypatch: pytest.MonkeyPatch, **changed: object) -> Iterator[Crew]:
    """A crew in `folder` with the tiny child; `changed` are settings."""
    _forget()
    given = Settings(data_dir=folder, **changed)  # type: ignore[arg-type]
    for room in ("attempt", "connections", "sweep", "unit", "child", "actors", "broker", "relay", "standby"):
        monkeypatch.setattr(f"workers.{room}.settings", lambda: given)
    monkeypatch.setattr(settings_room, "settings", lambda: given)
    monkeypatch.setattr(child, "run", functools.partial(child.run, program=tiny_child.program()))
    blank.lay_out(connections.database())
    try:
        yield Crew()
    finally:
        unit.stopping.clear()
        connections.database().dispose()
        _forget()


def claim_of(asset_id: str, name: str) -> Claim:
    """The row of one claim, as it is now."""
    with connections.reading() as session:
        return session.scalars(select(Claim).where(Claim.asset_id == asset_id, Claim.name == name)).one()


def _forget() -> None:
    for opened in (connections.database, connections.objects, connections.valkey):
        opened.cache_clear()
