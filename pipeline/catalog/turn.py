"""Whose turn it is. A message says that there is work in its queue; the rows say which is the most urgent.

Queues are first come, first served: a long film, or a dealer's hundred films, would stand before everybody else's. So
a worker that is woken for one name first asks what else waits in the same queue, makes that if it is more urgent, and
rings again for its own. What is more urgent:

1. a film of which nothing was begun for two minutes: nobody waits for ever behind a stream of shorter ones;
2. of the owner with the least work in the house whose bytes are here: who sends much does not stand in the way of who
   sends little, and what was made, or never came, stands in nobody's way;
3. of the smaller film, then of the older one;
4. in the order of its plan.

Nothing is interrupted: what is more urgent waits for one chunk at the most.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from pipeline.catalog.claims import OPEN, Lease, claim
from pipeline.catalog.engine import now
from pipeline.catalog.models import INGEST, Asset, Claim
from pipeline.catalog.outbox import ring_name

NEGLECTED_S = 120  # without the start of anything of a film, while others go before it


@dataclass(frozen=True, slots=True)
class Turn:
    """What a worker does now, and for which request."""

    lease: Lease
    request_id: str | None


def take(
    session: Session, asset_id: str, name: str, *, worker: str, lease_s: float = 30, max_attempts: int = 3
) -> Turn | None:
    """Claim this name, or what is more urgent in its queue and then ring again for this one, in the same transaction.
    None: this name is done, taken, tried too often, or its asset is finished or gone.
    """
    waiting = _waiting(max_attempts)
    how: dict[str, Any] = {"worker": worker, "lease_s": lease_s, "max_attempts": max_attempts}
    named = select(Claim.queue, Asset.request_id).join(Asset).where(Claim.asset_id == asset_id, Claim.name == name)
    # Locked: whoever has it is waited for, and then it waits no more.
    own = session.execute(named.where(*waiting).with_for_update(of=Claim)).first()
    if own is None:
        return None
    first = session.execute(_most_urgent(own.queue, waiting)).first()
    if first and (first.asset_id, first.name) != (asset_id, name) and (lease := claim(session, *first[:2], **how)):
        ring_name(session, own.queue, asset_id, name, own.request_id)
        return Turn(lease, first.request_id)
    lease = claim(session, asset_id, name, **how)
    return Turn(lease, own.request_id) if lease else None


def _most_urgent(queue: str, waiting: tuple[ColumnElement[bool], ...]) -> Select[str, str, str | None]:
    ingest = Claim.name == INGEST
    confirmed = func.max(case((and_(ingest, Claim.done), 1), else_=0)) == 1
    here = or_(Claim.needs <= Asset.received, and_(ingest, Asset.received == Asset.size))
    films = (
        select(Claim.asset_id, func.sum(Claim.weight).label("weight"), func.max(Claim.started_at).label("begun_at"))
        .add_columns(case((confirmed, _weight(~Claim.done)), else_=_weight(~Claim.done, here)).label("due"))
        .join(Asset)
        .where(Asset.state.in_(OPEN))
        .group_by(Claim.asset_id)
        .cte()
    )
    owners = (
        select(Asset.owner, func.sum(films.c.due).label("due"))
        .join(films, films.c.asset_id == Asset.id)
        .group_by(Asset.owner)
        .subquery()
    )
    neglected = func.coalesce(films.c.begun_at, Asset.touched_at) < now() - NEGLECTED_S
    return (
        select(Claim.asset_id, Claim.name, Asset.request_id)
        .join(Asset, Asset.id == Claim.asset_id)
        .join(films, films.c.asset_id == Asset.id)
        .join(owners, owners.c.owner == Asset.owner)
        .where(*waiting, Claim.queue == queue)
        .order_by(case((neglected, 0), else_=1))
        .order_by(owners.c.due, films.c.weight, Asset.created_at, Asset.id, Claim.position)
        .limit(1)
        # Two workers that ask at once do not choose the same.
        .with_for_update(of=Claim, skip_locked=True)
    )


def _weight(*which: ColumnElement[bool]) -> ColumnElement[float]:
    return func.sum(case((and_(*which), Claim.weight), else_=0.0))


def _waiting(max_attempts: int) -> tuple[ColumnElement[bool], ...]:
    """Rung for, and free to be claimed."""
    free = or_(Claim.lease_until.is_(None), Claim.lease_until < now())
    planned = or_(Claim.name == INGEST, Asset.recipe.is_not(None))
    rung = and_(Claim.queued_at.is_not(None), Claim.done.is_(False))
    return rung, free, Claim.attempts < max_attempts, Asset.state.in_(OPEN), planned
