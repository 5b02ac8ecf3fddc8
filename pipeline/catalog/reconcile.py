"""What a sweeper finds when it compares the rows with what should be going on: lost workers, lost messages, remains."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, true
from sqlalchemy.orm import Session

from pipeline.catalog import keys
from pipeline.catalog.assets import erase
from pipeline.catalog.claims import OPEN, finish, locked
from pipeline.catalog.engine import now
from pipeline.catalog.models import INGEST, Asset, Claim, Erasure, Outbox, Output, Part, State
from pipeline.catalog.outbox import WINDOW, dispatch, ring_claim
from pipeline.catalog.storage import Storage
from pipeline.errors import WorkerLost

QUIET_S = 10  # a message is given this long to be taken before its queue, if empty, is taken to have lost it
PATIENCE_S = 600  # in a queue that is never empty, a message is given this long
KEEP_S = 3600  # how long sent outbox rows and erasures are kept, longer than any worker can go on unnoticed


def give_up(session: Session, *, max_attempts: int = 3) -> list[str]:
    """Fail the assets with a name that was tried `max_attempts` times and whose last worker disappeared; their ids."""
    rows = session.execute(
        select(Claim.asset_id, Claim.name, Claim.attempts, Claim.reason, Claim.last_error)
        .join(Asset, Asset.id == Claim.asset_id)
        .where(Asset.state.in_(OPEN), Claim.done.is_(False), Claim.attempts >= max_attempts, _unleased())
    ).all()
    for row in rows:
        detail = f"{row.name}: {row.attempts} attempts, limit {max_attempts}; before: {row.last_error or 'no word'}"
        if asset := locked(session, row.asset_id):
            finish(asset, State.FAILED, row.reason or WorkerLost.reason, detail)
    return [row.asset_id for row in rows]


def ring_again(session: Session, *, idle_queues: Collection[str] = (), all_queues: bool = False) -> int:
    """Ring for every claim that was woken and is not worked on: its lease ran out, or its message must be lost.

    A message is taken to be lost when its queue is empty, when it waited very long, or (`all_queues`) when the broker
    was restarted or emptied. Ringing once too often is harmless. Returns how many were rung.
    """
    waited: ColumnElement[bool] = or_(
        and_(Claim.queue.in_(idle_queues), Claim.queued_at < now() - QUIET_S), Claim.queued_at < now() - PATIENCE_S
    )
    lost_worker = and_(Claim.lease_until.is_not(None), Claim.queued_at <= Claim.lease_until)
    lost_message = and_(Claim.queued_at.is_not(None), true() if all_queues else waited)
    rows = session.execute(
        select(Claim, Asset)
        .join(Asset, Asset.id == Claim.asset_id)
        .where(Asset.state.in_(OPEN), Claim.done.is_(False), _unleased(), or_(lost_worker, lost_message))
        .order_by(Claim.position)
    ).all()
    for claim, asset in rows:
        ring_claim(session, asset, claim)
    session.flush()
    return len(rows)


def dispatch_again(session: Session, *, window: int = WINDOW) -> int:
    """Wake workers for assets that have something to make and nobody called for it; how many were woken."""
    queued = exists().where(Claim.asset_id == Asset.id, Claim.done.is_(False), Claim.queued_at.is_not(None))
    waiting = exists().where(Claim.asset_id == Asset.id, Claim.done.is_(False), Claim.name != INGEST)
    found = session.scalars(select(Asset).where(Asset.state.in_(OPEN), waiting, ~queued))
    return sum(dispatch(session, asset, window) for asset in found.all())


def expire(session: Session, *, expiry_s: float) -> list[str]:
    """Erase uploads nobody went on with for `expiry_s`; their ids."""
    old = select(Asset.id).where(Asset.state == State.RECEIVING, Asset.touched_at < now() - expiry_s)
    ids = list(session.scalars(old))
    for asset_id in ids:
        erase(session, asset_id)
    return ids


def forget_sent(session: Session) -> None:
    """Remove outbox rows sent long ago."""
    session.execute(delete(Outbox).where(Outbox.sent_at < now() - KEEP_S))


def erased(session: Session) -> list[tuple[str, bool]]:
    """Assets whose bytes must go, and whether this is the last time to look."""
    rows = session.execute(select(Erasure.asset_id, Erasure.erased_at < now() - KEEP_S)).all()
    return [(row[0], bool(row[1])) for row in rows]


def forget_erasure(session: Session, asset_id: str) -> None:
    """No worker can still be storing for it."""
    session.execute(delete(Erasure).where(Erasure.asset_id == asset_id))


def untidy(session: Session, *, after_s: float) -> list[str]:
    """Assets finished `after_s` ago whose storage was not compared with the rows since."""
    done = select(Asset.id).where(Asset.finished_at < now() - after_s, Asset.tidied_at.is_(None))
    return list(session.scalars(done.limit(100)))


def named_keys(session: Session, asset_id: str) -> tuple[set[str], tuple[str, ...]]:
    """The keys and the prefixes rows name: everything else stored for the asset was left behind."""
    parts = set(session.scalars(select(Part.key).where(Part.asset_id == asset_id)))
    return parts, tuple(session.scalars(select(Output.prefix).where(Output.asset_id == asset_id)))


def remove_unnamed(storage: Storage, asset_id: str, parts: set[str], prefixes: tuple[str, ...]) -> int:
    """Delete the objects of attempts that lost, and of parts that were never acknowledged; how many."""
    unnamed = [
        stored.key
        for stored in storage.list(keys.asset(asset_id))
        if stored.key not in parts and not stored.key.startswith(prefixes)
    ]
    for key in unnamed:
        storage.delete(key)
    return len(unnamed)


def tidied(session: Session, asset_id: str) -> None:
    """Remember that nothing is left behind."""
    if asset := locked(session, asset_id):
        asset.tidied_at = now()
        session.flush()


def _unleased() -> ColumnElement[bool]:
    return or_(Claim.lease_until.is_(None), Claim.lease_until < now())
