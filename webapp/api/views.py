"""The JSON API: the same interventions, assets and links as on the desk, for other programs."""

import time
from typing import Any

import uuid_utils
from flask import Blueprint, abort, current_app, g, request
from flask.typing import ResponseReturnValue
from spectree import Response, SecurityScheme, SpecTree
from spectree.models import SecuritySchemeData
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from webapp.accounts import access
from webapp.api import problems
from webapp.api.shapes import (
    AssetChange,
    AssetList,
    AssetOut,
    InterventionChange,
    InterventionIn,
    InterventionList,
    InterventionOut,
    LinkIn,
    LinkList,
    LinkMade,
    LinkOut,
    Listing,
    Problem,
)
from webapp.customers import links
from webapp.customers.models import Link
from webapp.database import session, settings
from webapp.guards import csrf, limiter
from webapp.interventions import erasing, sharing
from webapp.interventions.models import Intervention
from webapp.interventions.search import matches
from webapp.interventions.states import stage
from webapp.texts import is_id

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
csrf.exempt(blueprint)  # a bearer token is never sent by a browser on its own


def _sender() -> str:
    """Whose requests are counted together: those of one token, which is not written down."""
    return access.digest(access.token_of(request.headers.get("Authorization")))


limiter.shared_limit("1200/minute", scope="api", key_func=_sender)(blueprint)


def _before(_request: Any, _response: Any, error: Any, _instance: Any, adapter: Any) -> None:
    if error is not None:
        abort(problems.invalid(adapter.validation_errors(error)))


api = SpecTree(
    "flask",
    title="Walkaround",
    version="1",
    description="Interventions, their films, photos and files, and the customers' links.",
    openapi_version="3.1.0",
    mode="strict",
    page_templates={},  # the bundled ones load their script from elsewhere
    before=_before,
    validation_error_model=Problem,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
    security_schemes=[SecurityScheme(name="token", data=SecuritySchemeData(type="http", scheme="bearer"))],
    security={"token": []},
)


def _answers(**models: Any) -> Response:
    return Response(**models, HTTP_401=Problem, HTTP_404=Problem, HTTP_429=Problem, HTTP_503=Problem)


def _answers_to_body(**models: Any) -> Response:
    return _answers(**models, HTTP_400=Problem, HTTP_413=Problem, HTTP_415=Problem)


@blueprint.before_request
def _enter() -> None:
    if request.endpoint == "api.openapi":
        return
    dealership = access.bearer(request.headers.get("Authorization"))
    if dealership is None:
        refused = problems.problem(401, "Unauthorized", "give a token: Authorization: Bearer wa_…")
        refused.headers["WWW-Authenticate"] = 'Bearer realm="walkaround"'
        abort(refused)
    g.dealership = dealership
    if request.method in ("POST", "PATCH") and request.content_length:
        if not request.is_json:
            abort(415, "send application/json")
        if not isinstance(request.get_json(silent=True), dict):
            abort(400, "send a JSON object")


@blueprint.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """This API, for programs."""
    api.app = current_app
    return problems.documented(api.spec)


@blueprint.get("/interventions")
@api.validate(resp=_answers(HTTP_200=InterventionList))
def list_interventions(query: Listing) -> Any:
    """List interventions, the newest first."""
    where = stage(time.time())
    rows = select(Intervention, where.label("stage")).where(
        Intervention.dealership_id == g.dealership.id, matches(query.q)
    )
    if query.stage:
        rows = rows.where(where == query.stage)
    if query.after:
        rows = rows.where(Intervention.id < query.after)  # uuid7 ids are in the order of time
    found = session.execute(rows.order_by(Intervention.id.desc()).limit(query.limit + 1)).all()
    page = found[: query.limit]
    more = page[-1].Intervention.id if len(found) > query.limit else None
    return InterventionList(items=[_shown(row.Intervention, row.stage) for row in page], next=more)


@blueprint.post("/interventions")
@api.validate(resp=_answers_to_body(HTTP_201=InterventionOut, HTTP_409=Problem))
def create_intervention(json: InterventionIn) -> Any:
    """Create an intervention."""
    now = time.time()
    made = Intervention(
        id=str(uuid_utils.uuid7()), dealership_id=g.dealership.id, created_at=now, updated_at=now, **json.model_dump()
    )
    session.add(made)
    _commit(json.reference)
    return _shown(made), 201, {"Location": f"{blueprint.url_prefix}/interventions/{made.id}"}


@blueprint.get("/interventions/<intervention_id>")
@api.validate(resp=_answers(HTTP_200=InterventionOut))
def read_intervention(intervention_id: str) -> Any:
    """Read an intervention."""
    return _shown(access.load_intervention(intervention_id))


@blueprint.patch("/interventions/<intervention_id>")
@api.validate(resp=_answers_to_body(HTTP_200=InterventionOut, HTTP_409=Problem))
def change_intervention(intervention_id: str, json: InterventionChange) -> Any:
    """Change some fields of an intervention."""
    row = access.load_intervention(intervention_id)
    for name, value in json.model_dump(exclude_unset=True).items():
        setattr(row, name, value)
    row.updated_at = time.time()
    _commit(json.reference)
    return _shown(row)


@blueprint.delete("/interventions/<intervention_id>")
@api.validate(resp=_answers(HTTP_204=None))
def erase_intervention(intervention_id: str) -> Any:
    """Erase an intervention with its links and everything made of its files."""
    erasing.intervention(access.load_intervention(intervention_id))
    session.commit()
    return "", 204


@blueprint.get("/interventions/<intervention_id>/assets")
@api.validate(resp=_answers(HTTP_200=AssetList))
def list_assets(intervention_id: str) -> Any:
    """List an intervention's films, photos and files with their state."""
    row = access.load_intervention(intervention_id)
    return AssetList(items=[AssetOut.of(session(), item) for item in row.items])


@blueprint.get("/assets/<asset_id>")
@api.validate(resp=_answers(HTTP_200=AssetOut))
def read_asset(asset_id: str) -> Any:
    """Read one asset: state, percent, time left, reason, what was made."""
    return AssetOut.of(session(), access.load_item_of(asset_id))


@blueprint.patch("/assets/<asset_id>")
@api.validate(resp=_answers_to_body(HTTP_200=AssetOut))
def change_asset(asset_id: str, json: AssetChange) -> Any:
    """Write an asset's caption."""
    item = access.load_item_of(asset_id)
    item.caption = json.caption
    session.commit()
    return AssetOut.of(session(), item)


@blueprint.delete("/assets/<asset_id>")
@api.validate(resp=_answers(HTTP_204=None))
def erase_asset(asset_id: str) -> Any:
    """Erase an asset and everything made of it."""
    erasing.item(access.load_item_of(asset_id))
    session.commit()
    return "", 204


@blueprint.get("/interventions/<intervention_id>/links")
@api.validate(resp=_answers(HTTP_200=LinkList))
def list_links(intervention_id: str) -> Any:
    """List the customer's links of an intervention."""
    rows = sharing.links_of(access.load_intervention(intervention_id))
    return LinkList(items=[LinkOut.of(row) for row in rows])


@blueprint.post("/interventions/<intervention_id>/links")
@api.validate(resp=_answers_to_body(HTTP_201=LinkMade))
def create_link(intervention_id: str, json: LinkIn) -> Any:
    """Make a link; its address is in this answer and nowhere else."""
    row, token = links.issue(access.load_intervention(intervention_id), json.recipient)
    try:
        links.note_shared(row)  # a program asks for an address in order to pass it on
        session.commit()
    except IntegrityError:  # the intervention was erased at this moment
        session.rollback()
        abort(404)
    return LinkMade(**LinkOut.of(row).model_dump(), url=links.url(token)), 201


@blueprint.delete("/links/<link_id>")
@api.validate(resp=_answers(HTTP_204=None))
def revoke_link(link_id: str) -> Any:
    """Revoke a link: its page and its media end at once."""
    row = session.get(Link, link_id) if is_id(link_id) else None
    if row is None or row.intervention.dealership_id != g.dealership.id:
        abort(404)
    links.revoke(row)
    session.commit()
    return "", 204


def _shown(row: Intervention, where: str | None = None) -> InterventionOut:
    if where is None:
        where = session.scalar(select(stage(time.time())).where(Intervention.id == row.id))
    return InterventionOut.of(row, str(where), settings().effective_public_url)


def _commit(reference: str) -> None:
    try:
        session.commit()
    except IntegrityError:
        session.rollback()
        abort(409, f"there is already an intervention with the reference {reference!r}")
