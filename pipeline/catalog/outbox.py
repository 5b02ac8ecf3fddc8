"""Whom to wake, written in the same transaction as the change it belongs to. `workers.relay` sends it afterwards."""

from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from pipeline.catalog.engine import now
from pipeline.catalog.models import INGEST, Asset, Claim, Outbox, State

WINDOW = 16  # outputs of one asset in the queues at once: so many units can work on one film
_ingest = aliased(Claim)


def ring(session: Session, queue: str, actor: str, args: dict[str, Any], request_id: str | None = None) -> None:
    """Wake `actor` once this transaction is committed. Ids only: what they stand for may change before it is read."""
    session.add(Outbox(queue=queue, actor=actor, args=args, request_id=request_id, created_at=now()))


def ring_claim(session: Session, asset: Asset, claim: Claim) -> None:
    """Wake a worker for one claim."""
    claim.queued_at = now()
    ring_name(session, claim.queue, asset.id, claim.name, asset.request_id)


def ring_name(session: Session, queue: str, asset_id: str, name: str, request_id: str | None) -> None:
    """Wake a worker for a name that is called for already."""
    if name == INGEST:
        ring(session, queue, "ingest", {"asset_id": asset_id}, request_id)
    else:
        ring(session, queue, "make", {"asset_id": asset_id, "name": name}, request_id)


def dispatch(session: Session, asset: Asset, window: int = WINDOW) -> int:
    """Wake workers for the most urgent claims whose bytes are here, up to `window` outputs at once; how many were
    woken. Asked with every part that arrives: one short query where there is nothing to do, and never a plan is read.
    """
    if asset.state not in (State.RECEIVING, State.PROCESSING):
        return 0
    session.flush()
    mine = (Claim.asset_id == asset.id, Claim.done.is_(False))
    here = or_(Claim.needs <= asset.received, is_confirmed(asset.id))
    waiting = select(Claim).where(*mine, Claim.queued_at.is_(None), here).order_by(Claim.position)
    found = session.scalars(waiting.limit(window + 1)).all()
    if not found:
        return 0
    busy = session.scalar(select(func.count()).where(*mine, Claim.name != INGEST, Claim.queued_at.is_not(None))) or 0
    outputs = [claim for claim in found if claim.name != INGEST][: max(0, window - busy)]
    chosen = [claim for claim in found if claim.name == INGEST] + outputs
    for claim in chosen:
        ring_claim(session, asset, claim)
    return len(chosen)


def is_confirmed(asset_id: str | InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Whether the asset was measured with all its bytes: from then on its plan is final."""
    return exists().where(_ingest.asset_id == asset_id, _ingest.name == INGEST, _ingest.done)
