"""Who makes what: claims with a lease and a fence.

The queue promises only "at least once". A claim is one UPDATE that counts the attempt, raises the fence and sets a
lease; whatever a worker writes afterwards carries its fence in the WHERE.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, or_, select, update
from sqlalchemy.orm import Session

from pipeline.catalog.engine import now
from pipeline.catalog.models import INGEST, Asset, Claim, State

OPEN = (State.RECEIVING, State.PROCESSING)


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
