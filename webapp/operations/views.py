"""A page for the manager: how the dealership's files and the machines are doing."""

import time

import redis
from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from pipeline.catalog.models import Asset, State
from webapp.accounts.access import role_required
from webapp.accounts.models import RoleName
from webapp.database import session
from webapp.interventions.models import Intervention, Item
from webapp.interventions.reasons import advice
from webapp.operations import health

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
    troubles = query.where(Asset.state.in_((State.REJECTED, State.FAILED))).order_by(Asset.finished_at.desc()).limit(50)
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
        advice=advice,
    )
