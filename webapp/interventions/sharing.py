"""The customer's links of an intervention, on the desk: make one, copy or share it, revoke it.

All three roles may. In a small workshop the technician is often the one who sends; whoever may film for a customer and
erase what was filmed may also decide who looks.
"""

from collections.abc import Sequence

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from webapp.accounts.access import load_intervention, staff_required
from webapp.customers import links
from webapp.customers.models import Link
from webapp.database import session
from webapp.interventions.models import Intervention
from webapp.interventions.states import standing
from webapp.texts import clean, is_id

blueprint = Blueprint("sharing", __name__, template_folder="templates")


def links_of(intervention: Intervention) -> Sequence[Link]:
    """Every link ever made, the newest first."""
    query = select(Link).where(Link.intervention_id == intervention.id)
    return session.scalars(query.order_by(Link.created_at.desc())).all()


@blueprint.post("/<intervention_id>/links")
@staff_required
def create(intervention_id: str) -> ResponseReturnValue:
    """A new link. Its address is shown in this answer and never again: only its hash is kept."""
    intervention = load_intervention(intervention_id)
    recipient = clean(request.form.get("recipient", "")).strip()[:254]
    link, token = links.issue(intervention, recipient)
    link_id = link.id
    try:
        session.commit()
    except IntegrityError:  # the intervention was erased at this moment
        session.rollback()
        abort(404)
    return _panel(intervention_id, fresh=links.url(token), fresh_id=link_id)


@blueprint.post("/<intervention_id>/links/<link_id>/shared")
@staff_required
def shared(intervention_id: str, link_id: str) -> ResponseReturnValue:
    """The page says that somebody took the address away: copied it, or shared it. Twice is harmless. The answer holds
    what this changes on the page, by `id`.
    """
    link = _link(intervention_id, link_id)
    links.note_shared(link)
    session.commit()
    stage = render_template("interventions/_stage.html", **standing(load_intervention(intervention_id)))
    return stage + render_template("interventions/_link.html", link=link)


@blueprint.post("/<intervention_id>/links/<link_id>/revoke")
@staff_required
def revoke(intervention_id: str, link_id: str) -> ResponseReturnValue:
    """End a link at once, playback too."""
    links.revoke(_link(intervention_id, link_id))
    session.commit()
    return _panel(intervention_id)


def _link(intervention_id: str, link_id: str) -> Link:
    intervention = load_intervention(intervention_id)
    link = session.get(Link, link_id) if is_id(link_id) else None
    if link is None or link.intervention_id != intervention.id:
        abort(404)
    return link


def _panel(intervention_id: str, fresh: str | None = None, fresh_id: str | None = None) -> ResponseReturnValue:
    intervention = load_intervention(intervention_id)
    beside = "HX-Request" in request.headers  # the desk's head, where the stage stands, stays as it is but for that
    name = "_links.html" if beside else "links.html"
    return render_template(
        f"interventions/{name}",
        intervention=intervention,
        links=links_of(intervention),
        fresh=fresh,
        fresh_id=fresh_id,
        beside=beside,
        **standing(intervention),
    )
