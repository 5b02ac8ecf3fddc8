"""What ops look at: the probes of both processes, and a page for the manager."""

import ipaddress
import time

import redis
from flask import Blueprint, Response, abort, g, render_template, request
from flask.typing import ResponseReturnValue
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import func, select

from pipeline.catalog.models import Asset, State
from webapp.accounts.access import role_required
from webapp.accounts.models import RoleName
from webapp.database import session
from webapp.guards import limiter
from webapp.interventions.models import Intervention, Item
from webapp.interventions.reasons import advice
from webapp.operations import health, meters

blueprint = Blueprint("operations", __name__, template_folder="templates")
blueprint.record(lambda state: meters.init_app(state.app))


@blueprint.get("/healthz")
@limiter.exempt
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@limiter.exempt
def readyz() -> ResponseReturnValue:
    """Every part by name; 503 while one is missing."""
    parts = health.parts()
    ok = all(part["ok"] for part in parts.values())
    return {"ok": ok, "parts": parts}, 200 if ok else 503


@blueprint.get("/metrics")
@limiter.exempt
def metrics() -> ResponseReturnValue:
    """Prometheus' numbers, for this machine only: a proxy's visitors get 404."""
    here = ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback  # noqa: S104  a value to compare with
    if not here or "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        abort(404)
    return Response(generate_latest(meters.Both()), content_type=CONTENT_TYPE_LATEST)


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
