"""What machines ask both processes: do you answer, is every part there, how much have you done."""

import ipaddress

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from webapp.guards import limiter
from webapp.operations import health, meters

blueprint = Blueprint("probes", __name__)
blueprint.record(lambda state: meters.init_app(state.app))


@blueprint.get("/healthz")
@limiter.exempt
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@limiter.exempt
def readyz() -> ResponseReturnValue:
    """Every part by name, and whether all are there; 503 only while one is missing that a request needs."""
    parts = health.parts()
    ok = all(part["ok"] for part in parts.values())
    serves = all(parts[name]["ok"] for name in health.NEEDED)
    return {"ok": ok, "parts": parts}, 200 if serves else 503


@blueprint.get("/metrics")
@limiter.exempt
def metrics() -> ResponseReturnValue:
    """Prometheus' numbers, for this machine only: a proxy's visitors get 404."""
    here = ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback  # noqa: S104  a value to compare with
    if not here or "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        abort(404)
    return Response(generate_latest(meters.Both()), content_type=CONTENT_TYPE_LATEST)
