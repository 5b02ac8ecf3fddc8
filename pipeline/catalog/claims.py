"""Who makes what: claims with a lease and a fence, and the one transaction that publishes.

The queue promises only "at least once". A claim is one UPDATE that counts the attempt, raises the fence and sets a
lease; whatever a worker writes afterwards carries its fence in the WHERE. The result: executed at least once, visible
exactly once.
"""

from dataclasses import dataclass
from typing import Any

import uuid_utils
from sqlalchemy import ColumnElement, Select, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from pipeline.catalog.engine import now
from pipeline.catalog.models import INGEST, Asset, Claim, Output, State
from pipeline.catalog.outbox import WINDOW, dispatch, is_confirmed, ring_claim
from pipeline.catalog.wanted import EXTRAS, missing

OPEN = (State.RECEIVING, State.PROCESSING)
DONE = {"done": True, "lease_until": None, "progress": 1.0, "reason": None, "last_error": None}
# Nobody works on it and nobody is called, until the whole file is here and measured.
SHELVED = {"attempts": 0, "lease_until": None, "worker": None, "queued_at": None, "needs": None, "progress": 0.0}


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one name until another takes it over. `attempt` counts from 1. An `early` one measures what
    is here of a file that still arrives."""

    asset_id: str
    name: str
    fence: int
    attempt: int
    early: bool = False


def claim(
    session: Session,
    asset_id: str,
    name: str,
    *also: ColumnElement[bool],
    worker: str,
    lease_s: float = 30,
    max_attempts: int = 3,
) -> Lease | None:
    """Take the name for `lease_s` seconds. None: done, taken, tried too often, the asset is finished or gone, or what
    must `also` be true is not.
    """
    planned = () if name == INGEST else (Asset.recipe.is_not(None),)
    row = session.execute(
        update(Claim)
        .where(Claim.asset_id == asset_id, Claim.name == name, Claim.done.is_(False))
        .where(or_(Claim.lease_until.is_(None), Claim.lease_until < now()))
        .where(Claim.attempts < max_attempts, *also)
        .where(exists().where(Asset.id == asset_id, Asset.state.in_(OPEN), *planned))
        .values(
            attempts=Claim.attempts + 1,
            fence=Claim.fence + 1,
            lease_until=now() + lease_s,
            worker=worker,
            progress=0.0,
            started_at=now(),
        )
        .returning(Claim.fence, Claim.attempts, Claim.needs)
        .execution_options(synchronize_session=False)
    ).first()
    early = row is not None and name == INGEST and row.needs is not None
    return None if row is None else Lease(asset_id, name, row.fence, row.attempts, early)


def renew(session: Session, lease: Lease, *, lease_s: float = 30, progress: float | None = None) -> bool:
    """Keep the lease for another `lease_s` seconds and say how far the work is (0…1). False: lost, stop working.

    Who measures early and lost it to the last byte may go on: until the whole file is measured its answer is of use.
    """
    values: dict[str, Any] = {"lease_until": now() + lease_s}
    if progress is not None:
        values["progress"] = progress
    is_open = exists().where(Asset.id == lease.asset_id, Asset.state.in_(OPEN))
    # An attempt that ended has no worker: a renewal that was under way meanwhile may not keep the next one waiting.
    if change(session, lease, Claim.worker.is_not(None), is_open, **values):
        return True
    undecided = (Asset.id == lease.asset_id, Asset.state == State.PROCESSING, Asset.recipe.is_(None))
    return lease.early and session.scalar(select(Asset.id).where(*undecided)) is not None


def publish(
    session: Session,
    lease: Lease,
    *,
    prefix: str,
    files: list[dict[str, Any]],
    facts: dict[str, Any],
    window: int = WINDOW,
) -> bool:
    """Record what was made, proved and stored under `prefix`, and wake workers for the next. False: the lease was lost
    or the file was refused meanwhile, and nothing was recorded. True again for whoever did not hear the first answer.
    The last output makes the asset ready.
    """
    asset = locked(session, lease.asset_id)
    if asset is None or asset.state is State.REJECTED:
        return False
    if not change(session, lease, **DONE):
        named = (Output.asset_id == asset.id, Output.name == lease.name, Output.prefix == prefix)
        return session.scalar(select(Output.id).where(*named)) is not None
    session.add(
        Output(
            id=str(uuid_utils.uuid7()),
            asset_id=asset.id,
            recipe=asset.recipe,
            name=lease.name,
            prefix=prefix,
            files=files,
            facts=facts,
            made_at=now(),
        )
    )
    advance(session, asset, window)
    return True


def reject(session: Session, lease: Lease, *, reason: str, detail: str, window: int = WINDOW) -> bool:
    """The file's fault: final, and nothing made of it stays visible. False: the lease was lost. Of a file that is not
    here and measured yet nothing is believed: the name waits until it is.
    """
    asset = locked(session, lease.asset_id)
    if asset is None or not change(session, lease, reason=reason, last_error=detail, lease_until=None):
        return False
    if not _counts(session, asset, lease.name):
        change(session, lease, **SHELVED)
        advance(session, asset, window)
        return True
    session.execute(delete(Output).where(Output.asset_id == lease.asset_id))
    finish(asset, State.REJECTED, reason, detail)
    return True


def fail(session: Session, lease: Lease, *, reason: str, detail: str, window: int = WINDOW) -> bool:
    """Our own fault, and trying again is of no use: the asset has failed, or an extra is given up. False: the lease was
    lost.
    """
    asset = locked(session, lease.asset_id)
    if asset is None or not change(session, lease, lease_until=None):
        return False
    end_badly(session, asset, session.scalars(mine(lease)).one(), reason, detail, window)
    return True


def end_badly(session: Session, asset: Asset, claim: Claim, reason: str, detail: str, window: int = WINDOW) -> bool:
    """Fail an open asset for want of one output, or go on without it if it is an extra: whether the asset failed.

    Extras are what the plan puts into the queue `later`: a film is worth showing without them. Before the file is here
    and measured the name only waits until it is: what made the work fail may be a lie.
    """
    claim.reason, claim.last_error = reason, detail
    if not _counts(session, asset, claim.name):
        for field, value in SHELVED.items():
            setattr(claim, field, value)
        advance(session, asset, window)
        return False
    if claim.queue != EXTRAS:
        finish(asset, State.FAILED, reason, detail)
        return True
    claim.done = True  # with a reason: given up
    advance(session, asset, window)
    return False


def stumble(
    session: Session,
    lease: Lease,
    *,
    reason: str,
    detail: str,
    max_attempts: int = 3,
    after_s: float = 0,
    window: int = WINDOW,
) -> bool:
    """An attempt ended badly: ring for the next (with `after_s` the sweeper does, then), or `fail` if it was the last.
    False: the lease was lost.
    """
    if lease.attempt >= max_attempts:
        return fail(session, lease, reason=reason, detail=detail, window=window)
    asset = locked(session, lease.asset_id)
    until = now() + after_s if after_s else None
    how = {"reason": reason, "last_error": detail, "lease_until": until, "worker": None, "progress": 0.0}
    if asset is None or not change(session, lease, **how):
        return False
    if not after_s:
        _ring_again(session, asset, lease)
    return True


def release(session: Session, lease: Lease, *, after_s: float = 0) -> bool:
    """Give the name back without counting the attempt: this worker is stopping, or the storage is down. With `after_s`
    nobody may take it for that long, and the sweeper rings then.
    """
    asset = locked(session, lease.asset_id)
    until = now() + after_s if after_s else None
    back = {"lease_until": until, "attempts": Claim.attempts - 1, "worker": None, "progress": 0.0}
    if asset is None or not change(session, lease, Claim.worker.is_not(None), **back):
        return False
    if not after_s:
        _ring_again(session, asset, lease)
    return True


def _counts(session: Session, asset: Asset, name: str) -> bool:
    """Whether a bad end says something about the file: all of it was there, and the plan was made from that."""
    if asset.state is State.RECEIVING:
        return False
    return name == INGEST or bool(session.scalar(select(is_confirmed(asset.id))))


def advance(session: Session, asset: Asset, window: int) -> None:
    """Ready if nothing is missing; else wake workers for what comes next."""
    session.flush()
    confirmed = asset.state is State.PROCESSING and session.scalar(select(is_confirmed(asset.id)))
    if confirmed and not missing(session, asset):
        asset.state, asset.finished_at = State.READY, now()
    else:
        dispatch(session, asset, window)
    session.flush()


def finish(asset: Asset, state: State, reason: str, detail: str) -> None:
    """End the way of an asset that is still open."""
    if asset.state in OPEN:
        asset.state, asset.reason, asset.detail, asset.finished_at = state, reason, detail, now()


def _ring_again(session: Session, asset: Asset, lease: Lease) -> None:
    ring_claim(session, asset, session.scalars(mine(lease)).one())
    session.flush()


def mine(lease: Lease) -> Select[Claim]:
    """The claim, as long as nobody took it over."""
    ours = (Claim.asset_id == lease.asset_id, Claim.name == lease.name, Claim.fence == lease.fence)
    return select(Claim).where(*ours).execution_options(populate_existing=True)


def change(session: Session, lease: Lease, *also: ColumnElement[bool], **values: Any) -> bool:
    """Change the claim if its fence is still ours; whether it was."""
    return (
        session.execute(
            update(Claim)
            .where(Claim.asset_id == lease.asset_id, Claim.name == lease.name)
            .where(Claim.fence == lease.fence, Claim.done.is_(False), *also)
            .values(**values)
            .returning(Claim.id)
            .execution_options(synchronize_session=False)
        ).first()
        is not None
    )


def locked(session: Session, asset_id: str) -> Asset | None:
    """The asset's row, locked before any claim of it is changed: no deadlock, and no window counted twice."""
    return session.get(Asset, asset_id, with_for_update=True, populate_existing=True)
