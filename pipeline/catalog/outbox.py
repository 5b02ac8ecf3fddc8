"""Whom to wake, written in the same transaction as the change it belongs to. `workers.relay` sends it afterwards."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline.catalog.engine import now
from pipeline.catalog.models import INGEST, Asset, Claim, Outbox, State

WINDOW = 4  # outputs of one asset in the queues at once, so that a long film cannot starve a short one


def ring(session: Session, queue: str, actor: str, args: dict[str, Any], request_id: str | None = None) -> None:
    """Wake `actor` once this transaction is committed. Ids only: what they stand for may change before it is read."""
    session.add(Outbox(queue=queue, actor=actor, args=args, request_id=request_id, created_at=now()))


def ring_claim(session: Session, asset: Asset, claim: Claim) -> None:
    """Wake a worker for one claim."""
    claim.queued_at = now()
    if claim.name == INGEST:
        ring(session, claim.queue, "ingest", {"asset_id": asset.id}, asset.request_id)
    else:
        ring(session, claim.queue, "make", {"asset_id": asset.id, "name": claim.name}, asset.request_id)


def dispatch(session: Session, asset: Asset, window: int = WINDOW) -> int:
    """Wake workers for the most urgent outputs whose bytes are here, up to `window` at once; how many were woken."""
    if asset.state not in (State.RECEIVING, State.PROCESSING):
        return 0
    session.flush()
    open_claims = (Claim.asset_id == asset.id, Claim.name != INGEST, Claim.done.is_(False))
    busy = session.scalar(select(func.count()).where(*open_claims, Claim.queued_at.is_not(None))) or 0
    waiting = session.scalars(select(Claim).where(*open_claims, Claim.queued_at.is_(None)).order_by(Claim.position))
    chosen = [claim for claim in waiting if _bytes_are_here(asset, claim)][: max(0, window - busy)]
    for claim in chosen:
        ring_claim(session, asset, claim)
    return len(chosen)


def _bytes_are_here(asset: Asset, claim: Claim) -> bool:
    if asset.received >= asset.size:
        return True
    return claim.ranges is not None and all(end <= asset.received for _, end in claim.ranges)
