"""What is wanted of an asset, what was made of it, and what was given up."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, and_, case, select, update
from sqlalchemy.orm import Session

from pipeline.catalog.models import INGEST, Asset, Claim, Output

EXTRAS = "later"  # the queue of outputs a film can be shown without


def missing(session: Session, asset: Asset) -> set[str]:
    """Wanted − recorded. What was given up is no longer wanted."""
    of_plan = select(Claim.name).where(Claim.asset_id == asset.id, Claim.name != INGEST)
    wanted = session.scalars(of_plan.where(~_given_up()))
    return set(wanted) - set(session.scalars(select(Output.name).where(*recorded(asset))))


def given_up(session: Session, asset_ids: Collection[str] | Select[tuple[str]]) -> list[Claim]:
    """The extras these assets (ids, or what selects them) do without, each with `name`, `reason`, `last_error`."""
    found = select(Claim).where(Claim.asset_id.in_(asset_ids), _given_up())
    return list(session.scalars(found.order_by(Claim.asset_id, Claim.position)))


def begin_again(session: Session, asset_id: str, *which: ColumnElement[bool]) -> None:
    """Give claims all their attempts again. The fence rises: a worker from before may no longer write."""
    session.execute(
        update(Claim)
        .where(Claim.asset_id == asset_id, *which)
        .values(
            fence=Claim.fence + 1,
            attempts=0,
            queued_at=None,
            lease_until=None,
            done=case((_given_up(), False), else_=Claim.done),
            reason=None,
            last_error=None,
        )
        .execution_options(synchronize_session=False)
    )
    fresh = select(Claim).where(Claim.asset_id == asset_id).execution_options(populate_existing=True)
    session.scalars(fresh).all()


def _given_up() -> ColumnElement[bool]:
    """Done, yet with the reason of its last attempt: one that was made has none."""
    return and_(Claim.done, Claim.reason.is_not(None), Claim.queue == EXTRAS)


def recorded(asset: Asset) -> tuple[ColumnElement[bool], ...]:
    return (Output.asset_id == asset.id, Output.recipe == asset.recipe)
