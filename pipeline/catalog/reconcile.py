"""What a sweeper finds when it compares the rows with what should be going on: lost workers, lost messages, remains."""

from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, true, update
from sqlalchemy.orm import Session

from pipeline.catalog.assets import erase
from pipeline.catalog.endings import end_badly
from pipeline.catalog.engine import now
from pipeline.catalog.leases import OPEN, locked
from pipeline.catalog.models import INGEST, Asset, Claim, Erasure, Outbox, Output, Part, State
from pipeline.catalog.outbox import WINDOW, dispatch, is_confirmed, ring_claim
from pipeline.catalog.storage import Storage
from pipeline.errors import WorkerLost

QUIET_S = 10  # a message is given this long to be taken before its queue, if empty, is taken to have lost it
PATIENCE_S = 600  # in a queue that is never empty, a message is given this long
KEEP_S = 3600  # how long sent outbox rows and erasures are kept, longer than any worker can go on unnoticed
SECOND_LOOK_S = 60  # after an erasure: who was storing at that moment has noticed


def give_up(session: Session, *, max_attempts: int = 3, window: int = WINDOW) -> list[str]:
    """Fail the assets with a name that was tried `max_attempts` times and whose last worker disappeared; their ids.
    An extra is given up alone.
    """
    spent = (Claim.done.is_(False), Claim.attempts >= max_attempts, _unleased())
    open_ones = select(Claim.asset_id, Claim.id).join(Asset, Asset.id == Claim.asset_id).where(Asset.state.in_(OPEN))
    failed = []
    for asset_id, claim_id in session.execute(open_ones.where(*spent)).all():
        asset = locked(session, asset_id)
        again = select(Claim).where(Claim.id == claim_id, *spent).execution_options(populate_existing=True)
        claim = session.scalars(again).one_or_none()
        if asset is None or asset.state not in OPEN or claim is None:  # ended while we looked
            continue
        before = claim.last_error or "no word"
        detail = f"{claim.name}: {claim.attempts} attempts, limit {max_attempts}; before: {before}"
        if end_badly(session, asset, claim, claim.reason or WorkerLost.reason, detail, window):
            failed.append(asset_id)
    session.flush()
    return failed


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
        # Who changes these claims at this moment, with the asset locked, needs no ringing and must not be waited for.
        .with_for_update(of=Claim, skip_locked=True)
    ).all()
    for claim, asset in rows:
        ring_claim(session, asset, claim)
    session.flush()
    return len(rows)


def dispatch_again(session: Session, *, window: int = WINDOW) -> int:
    """Wake workers for assets that have something to make and nobody called for it; how many were woken."""
    queued = exists().where(Claim.asset_id == Asset.id, Claim.done.is_(False), Claim.queued_at.is_not(None))
    waiting = exists().where(Claim.asset_id == Asset.id, Claim.done.is_(False), Claim.name != INGEST)
    here = or_(waiting.where(Claim.needs <= Asset.received), and_(waiting, is_confirmed(Asset.id)))
    found = session.scalars(select(Asset).where(Asset.state.in_(OPEN), here, ~queued))
    return sum(dispatch(session, asset, window) for asset in found.all())


def expire(session: Session, *, expiry_s: float) -> list[str]:
    """Erase uploads nobody went on with for `expiry_s`; their ids."""
    old = select(Asset.id).where(Asset.state == State.RECEIVING, Asset.touched_at < now() - expiry_s)
    # Locked as they are found: a part that comes now keeps its film, or finds it gone. A locked film is in use.
    ids = list(session.scalars(old.with_for_update(skip_locked=True)))
    for asset_id in ids:
        erase(session, asset_id)
    return ids


def forget_sent(session: Session) -> None:
    """Remove outbox rows sent long ago."""
    session.execute(delete(Outbox).where(Outbox.sent_at < now() - KEEP_S))


def erased(session: Session) -> list[str]:
    """Assets whose bytes must go now: just erased, or once more after `SECOND_LOOK_S`, or for the last time."""
    due = (
        Erasure.looked_at.is_(None),
        *(
            and_(Erasure.looked_at < Erasure.erased_at + after_s, Erasure.erased_at < now() - after_s)
            for after_s in (SECOND_LOOK_S, KEEP_S)
        ),
    )
    return list(session.scalars(select(Erasure.asset_id).where(or_(*due)).order_by(Erasure.erased_at)))


def looked_at(session: Session, asset_id: str) -> None:
    """Nothing is stored of it at this moment. After `KEEP_S` no worker can still be storing: it is forgotten."""
    mine = Erasure.asset_id == asset_id
    session.execute(delete(Erasure).where(mine, Erasure.erased_at < now() - KEEP_S))
    session.execute(update(Erasure).where(mine).values(looked_at=now()))


def forget_originals(session: Session, *, expiry_s: float) -> list[str]:
    """Let go of what was sent of files refused `expiry_s` ago, and of what was measured of it; the ids. The row stays
    with its reason. The bytes no longer have a name, so that tidying removes them.
    """
    has_parts = exists().where(Part.asset_id == Asset.id)
    old = select(Asset.id).where(Asset.state == State.REJECTED, Asset.finished_at < now() - expiry_s, has_parts)
    ids = list(session.scalars(old.limit(100)))
    session.execute(delete(Part).where(Part.asset_id.in_(ids)))
    session.execute(update(Asset).where(Asset.id.in_(ids)).values(source=None, hint_key=None, tidied_at=None))
    return ids


def untidy(session: Session, *, after_s: float) -> list[tuple[str, float]]:
    """Assets finished `after_s` ago, and when, whose storage was not compared with the rows since."""
    done = select(Asset.id, Asset.finished_at).where(Asset.finished_at < now() - after_s, Asset.tidied_at.is_(None))
    return [(asset_id, ended) for asset_id, ended in session.execute(done.limit(100)) if ended is not None]


def named_keys(session: Session, asset_id: str, finished_at: float) -> tuple[set[str], tuple[str, ...]] | None:
    """The keys and the prefixes rows name: everything else that was stored before this look was left behind.

    None: the asset is tried again or gone, and what rows do not name yet may be named soon.
    """
    parts = set(session.scalars(select(Part.key).where(Part.asset_id == asset_id)))
    prefixes = tuple(session.scalars(select(Output.prefix).where(Output.asset_id == asset_id)))
    # Asked last: nobody began again before the rows above were read.
    asset = session.execute(select(Asset.finished_at, Asset.hint_key).where(Asset.id == asset_id)).one_or_none()
    if asset is None or asset.finished_at != finished_at:
        return None
    return parts | ({asset.hint_key} if asset.hint_key else set()), prefixes


def remove_unnamed(storage: Storage, stored: Iterable[str], parts: set[str], prefixes: tuple[str, ...]) -> int:
    """Of the keys `stored`, listed before the rows were read, delete the objects of attempts that lost, and of parts
    that were never acknowledged; how many.
    """
    unnamed = [key for key in stored if key not in parts and not key.startswith(prefixes)]
    for key in unnamed:
        storage.delete(key)
    return len(unnamed)


def tidied(session: Session, asset_id: str, finished_at: float) -> None:
    """Remember that nothing is left behind, unless the asset is tried again."""
    asset = locked(session, asset_id)
    if asset is not None and asset.finished_at == finished_at:
        asset.tidied_at = now()
        session.flush()


def _unleased() -> ColumnElement[bool]:
    return or_(Claim.lease_until.is_(None), Claim.lease_until < now())
