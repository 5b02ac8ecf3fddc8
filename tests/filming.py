"""Assets in the states tests begin with, and plans as the child would make them."""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pipeline.catalog import assets, turn
from pipeline.catalog.models import Asset, Outbox

PHOTO: dict[str, Any] = {
    "kind": "photo",
    "recipe": "workshop-1",
    "source": {},
    "plan": {"outputs": [{"name": "sizes", "queue": "express", "weight": 1.0, "ranges": None}]},
}


def film(chunks: int, ranges: list[list[list[int]]] | None = None) -> dict[str, Any]:
    """What measuring a film of that many chunks says: weights add up to 4 a chunk, 4 for the rest."""
    outputs: list[dict[str, Any]] = [{"name": "poster", "queue": "express", "weight": 1.0, "ranges": None}]
    outputs += [
        {
            "name": f"chunk/{number:04}",
            "queue": "film" if number else "express",
            "weight": 4.0,
            "ranges": ranges[number] if ranges else None,
        }
        for number in range(chunks)
    ]
    outputs.append({"name": "storyboard", "queue": "later", "weight": 2.0, "ranges": None})
    outputs.append({"name": "preview", "queue": "later", "weight": 1.0, "ranges": None})
    return {"kind": "film", "recipe": "workshop-1", "source": {}, "plan": {"outputs": outputs}}


def parts(session: Session, asset_id: str, start: int, end: int) -> None:
    """Record that the bytes [start, end) arrived, without storing any."""
    assets.add_part(session, asset_id, offset=start, length=end - start, key=f"k/{start}")
    session.commit()


def received(session: Session, size: int = 1000) -> Asset:
    """All bytes are here, nothing is known about them."""
    asset = assets.create(session, owner="dealer", preset="workshop", size=size)
    parts(session, asset.id, 0, size)
    return asset


def lease_of(session: Session, asset_id: str, name: str, lease_s: float = 30) -> assets.Lease:
    """Claim as a worker does; with -1 s the lease has already run out."""
    lease = assets.claim(session, asset_id, name, worker="test", lease_s=lease_s)
    session.commit()
    assert lease is not None
    return lease


def planned(session: Session, measured: dict[str, Any], window: int = 4) -> Asset:
    """Measured and decided, nothing made."""
    asset = received(session)
    assert assets.plan(session, lease_of(session, asset.id, "ingest"), measured, window=window)
    session.commit()
    return asset


def publish(session: Session, lease: assets.Lease) -> bool:
    """Record as a worker does; False when another took over."""
    done = assets.publish(session, lease, prefix=f"p/{lease.fence}/", files=[], facts={}, window=2)
    session.commit()
    return done


def rung(session: Session) -> list[str]:
    """What was called for, oldest first: `queue actor name`."""
    return [
        " ".join(filter(None, (row.queue, row.actor, row.args.get("name"))))
        for row in session.scalars(select(Outbox).order_by(Outbox.id))
    ]


def film_of(owner: str, chunks: int, session: Session) -> str:
    """A planned film of one dealer's, with everything rung for; its id."""
    asset_id = planned(session, film(chunks), window=chunks + 3).id
    session.execute(update(Asset).where(Asset.id == asset_id).values(owner=owner))
    session.commit()
    return asset_id


def called(session: Session, asset_id: str, name: str, **how: int) -> tuple[str, str] | None:
    """What a worker does that was woken for this name."""
    mine = turn.take(session, asset_id, name, worker="test", **how)
    session.commit()
    return mine and (mine.lease.asset_id, mine.lease.name)
