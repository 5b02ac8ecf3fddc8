"""How an attempt ends: published, refused, failed or given back, each in one transaction that carries its fence.

The result: executed at least once, visible exactly once.
"""

from typing import Any

import uuid_utils
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pipeline.catalog.engine import now
from pipeline.catalog.leases import OPEN, Lease, change, locked, mine
from pipeline.catalog.models import INGEST, Asset, Claim, Output, State
from pipeline.catalog.outbox import WINDOW, dispatch, is_confirmed, ring_claim
from pipeline.catalog.wanted import EXTRAS, missing

DONE = {"done": True, "lease_until": None, "progress": 1.0, "reason": None, "last_error": None}
# Nobody works on it and nobody is called, until the whole file is here and measured.
SHELVED = {"attempts": 0, "lease_until": None, "worker": None, "queued_at": None, "needs": None, "progress": 0.0}


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
