"""A page for the manager: how the dealership's files and the machines are doing, and a second try for what failed."""

import time

import redis
from flask import Blueprint, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from pipeline.catalog import assets
from pipeline.catalog.models import Asset, Claim, State
from webapp.accounts.access import load_item, role_required
from webapp.accounts.models import RoleName
from webapp.database import session
from webapp.interventions.models import Intervention, Item
from webapp.interventions.reasons import advice
from webapp.operations import health

SHOWN = 50  # of each list, the newest

blueprint = Blueprint("operations", __name__, template_folder="templates")


@blueprint.get("/operations")
@role_required(RoleName.MANAGER)
def overview() -> ResponseReturnValue:
    """How the dealership's files are doing, at a glance."""
    own = Asset.owner == g.dealership.id
    counts = dict(session.execute(select(Asset.state, func.count()).where(own).group_by(Asset.state)).all())
    waiting = select(func.min(Asset.completed_at)).where(own, Asset.state == State.PROCESSING)
    oldest = session.scalar(waiting)
    query = select(Asset, Item, Intervention).join(Item, Item.asset_id == Asset.id)
    query = query.join(Intervention, Intervention.id == Item.intervention_id)
    query = query.where(Intervention.dealership_id == g.dealership.id)
    troubles = (
        query.where(Asset.state.in_((State.REJECTED, State.FAILED))).order_by(Asset.finished_at.desc()).limit(SHOWN)
    )
    try:
        depths = health.depths()
    except redis.RedisError:
        depths = None
    return render_template(
        "operations/overview.html",
        counts=counts,
        states=State,
        oldest_s=time.time() - oldest if oldest else None,
        depths=depths,
        parts=health.parts(),
        troubles=session.execute(troubles).all(),
        without=_without(),
        advice=advice,
    )


@blueprint.post("/operations/items/<item_id>/retry")
@role_required(RoleName.MANAGER)
def retry(item_id: str) -> ResponseReturnValue:
    """Try again what failed on our side: a file, or the extras it goes without."""
    assets.retry(session, load_item(item_id).asset_id)
    session.commit()
    return redirect(url_for("operations.overview"), 303)


def _without() -> list[tuple[Claim, Item]]:
    """The extras that finished files go without, newest file first."""
    ours = Asset.owner == g.dealership.id
    shown = select(Asset.id).where(ours, Asset.state.in_((State.PROCESSING, State.READY)))
    lost = assets.given_up(session, shown)[::-1][:SHOWN]
    items = select(Item).join(Item.intervention).where(Intervention.dealership_id == g.dealership.id)
    found = {
        item.asset_id: item for item in session.scalars(items.where(Item.asset_id.in_([one.asset_id for one in lost])))
    }
    return [(one, found[one.asset_id]) for one in lost if one.asset_id in found]
