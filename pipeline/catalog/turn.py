"""Whose turn it is. A message says that there is work in its queue; the rows say which is the most urgent.

Queues are first come, first served: a long film, or a dealer's hundred films, would stand before everybody else's. So
a worker that is woken for one name first asks what else waits in the same queue, makes that if it is more urgent, and
rings again for its own. What is more urgent:

1. a film of which nothing was begun for two minutes: nobody waits for ever behind a stream of shorter ones;
2. of the owner with the least work in the house whose bytes are here: who sends much does not stand in the way of who
   sends little, and what was made, or never came, stands in nobody's way;
3. of a film that is still to be measured, which takes a second and which all of it waits for; then of the smaller
   film, then of the older one;
4. in the order of its plan; what was decided early is confirmed after its first output.

Nothing is interrupted: what is more urgent waits for one chunk at the most.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from pipeline.catalog.engine import now
from pipeline.catalog.leases import OPEN, Lease, claim
from pipeline.catalog.models import INGEST, Asset, Claim
from pipeline.catalog.outbox import ring_name
from pipeline.names import FIRST, REST

NEGLECTED_S = 120  # without the start of anything of a film, while others go before it
EXPRESS = "express"
_CHOICES = 8  # that are lost to others, before a worker makes what it was woken for


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

    The choice is made by reading, which nobody waits for; the claim that follows is one UPDATE, which may find that
    somebody was faster, there or here. Then all is asked again.
    """
    waiting = _waiting(max_attempts)
    how: dict[str, Any] = {"worker": worker, "lease_s": lease_s, "max_attempts": max_attempts}
    named = select(Claim.queue, Asset.request_id).join(Asset).where(Claim.asset_id == asset_id, Claim.name == name)
    mine = aliased(Claim)
    free = or_(mine.lease_until.is_(None), mine.lease_until < now())
    still = exists().where(mine.asset_id == asset_id, mine.name == name, mine.done.is_(False), free)
    for _ in range(_CHOICES):
        own = session.execute(named.where(*waiting)).first()
        if own is None:
            return None
        first = _most_urgent(session, own.queue, waiting)
        if first is None or (first.asset_id, first.name) == (asset_id, name):
            break
        if lease := claim(session, first.asset_id, first.name, still, **how):
            ring_name(session, own.queue, asset_id, name, own.request_id)
            return Turn(lease, first.request_id)
    lease = claim(session, asset_id, name, **how)
    return Turn(lease, own.request_id) if lease and own else None


def follow(session: Session, queue: str, *, worker: str, lease_s: float = 30, max_attempts: int = 3) -> Turn | None:
    """Claim what is most urgent in a queue without having been woken for it: whoever is woken later finds it taken.
    None: nothing waits there.
    """
    waiting = _waiting(max_attempts)
    for _ in range(_CHOICES):
        first = _most_urgent(session, queue, waiting)
        if first is None:
            return None
        if lease := claim(
            session, first.asset_id, first.name, worker=worker, lease_s=lease_s, max_attempts=max_attempts
        ):
            return Turn(lease, first.request_id)
    return None


def in_front(session: Session, asset_id: str, name: str, machine: str, max_attempts: int = 3) -> int:
    """How many first chunks are being made by the workers of one machine, before which this name stands back; 0 for one
    that is itself in `express`, but a first chunk's other renditions, and for those where something else waits there;
    0 for what is done or taken. `machine` is how the names of its workers begin.
    """
    behind = or_(Claim.queue != EXPRESS, Claim.name == REST)
    free = or_(Claim.lease_until.is_(None), Claim.lease_until < now())
    later = exists().where(Claim.asset_id == asset_id, Claim.name == name, behind, Claim.done.is_(False), free)
    first = aliased(Claim)
    made = select(func.count()).where(
        first.lease_until > now(),
        first.queue == EXPRESS,
        first.name == FIRST,
        first.worker.startswith(machine, autoescape=True),
        later,
    )
    count = session.scalar(made) or 0
    if count and name == REST:
        other = select(Claim.id).join(Asset).where(Claim.queue == EXPRESS, Claim.name != REST, *_waiting(max_attempts))
        return 0 if session.scalar(other.limit(1)) else count
    return count


def _most_urgent(
    session: Session, queue: str, waiting: tuple[ColumnElement[bool], ...]
) -> Row[str, str, str | None] | None:
    """What comes first of all that waits in a queue: its film, then the first of it."""
    film = session.scalar(_most_urgent_film(queue, waiting))
    names = select(Claim.asset_id, Claim.name, Asset.request_id).join(Asset)
    names = names.where(Claim.asset_id == film, Claim.queue == queue, *waiting)
    # A film planned early is confirmed, but its first output, which can be seen, comes before that.
    planned = and_(Claim.name == INGEST, Asset.recipe.is_not(None))
    return session.execute(names.order_by(case((planned, 1), else_=Claim.position), Claim.position).limit(1)).first()


def _most_urgent_film(queue: str, waiting: tuple[ColumnElement[bool], ...]) -> Select[str]:
    """One look at every claim of an open asset, since what an owner has in the house is their sum."""
    ingest = Claim.name == INGEST
    confirmed = func.max(case((and_(ingest, Claim.done), 1), else_=0)) == 1
    here = or_(Claim.needs <= Asset.received, and_(ingest, Asset.received == Asset.size))
    films = (
        select(Asset.id, Asset.owner, func.sum(Claim.weight).label("weight"))
        .add_columns(func.max(Claim.started_at).label("begun_at"))
        .add_columns(case((confirmed, _weight(~Claim.done)), else_=_weight(~Claim.done, here)).label("due"))
        .add_columns(func.max(case((and_(Claim.queue == queue, *waiting), 1), else_=0)).label("waits"))
        .add_columns(func.max(case((and_(ingest, Claim.queue == EXPRESS, *waiting), 1), else_=0)).label("unmeasured"))
        .join(Claim, Claim.asset_id == Asset.id)
        .where(Asset.state.in_(OPEN))
        .group_by(Asset.id)
        .cte()
    )
    owners = select(films.c.owner, func.sum(films.c.due).label("due")).group_by(films.c.owner).subquery()
    neglected = func.coalesce(films.c.begun_at, Asset.touched_at) < now() - NEGLECTED_S
    return (
        select(films.c.id)
        .join(owners, owners.c.owner == films.c.owner)
        .join(Asset, Asset.id == films.c.id)
        .where(films.c.waits == 1)
        .order_by(case((neglected, 0), else_=1))
        .order_by(owners.c.due, films.c.unmeasured.desc(), films.c.weight, Asset.created_at, Asset.id)
        .limit(1)
    )


def _weight(*which: ColumnElement[bool]) -> ColumnElement[float]:
    return func.sum(case((and_(*which), Claim.weight), else_=0.0))


def _waiting(max_attempts: int) -> tuple[ColumnElement[bool], ...]:
    """Rung for, and free to be claimed."""
    free = or_(Claim.lease_until.is_(None), Claim.lease_until < now())
    planned = or_(Claim.name == INGEST, Asset.recipe.is_not(None))
    rung = and_(Claim.queued_at.is_not(None), Claim.done.is_(False))
    return rung, free, Claim.attempts < max_attempts, Asset.state.in_(OPEN), planned
