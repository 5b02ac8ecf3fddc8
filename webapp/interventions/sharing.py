"""The customer's links of an intervention, on the desk: make one, send or copy it, revoke it.

All three roles may. In a small workshop the technician is often the one who sends; whoever may film for a customer and
erase what was filmed may also decide who looks.
"""

from collections.abc import Sequence

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from webapp.accounts.access import load_intervention, staff_required
from webapp.customers import links
from webapp.customers.models import Link
from webapp.database import session
from webapp.interventions.models import Intervention
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
    _link, token = links.issue(intervention, recipient)
    session.commit()
    return _panel(intervention_id, fresh=links.url(token))


@blueprint.post("/<intervention_id>/links/<link_id>/revoke")
@staff_required
def revoke(intervention_id: str, link_id: str) -> ResponseReturnValue:
    """End a link at once, playback too."""
    intervention = load_intervention(intervention_id)
    link = session.get(Link, link_id) if is_id(link_id) else None
    if link is None or link.intervention_id != intervention.id:
        abort(404)
    links.revoke(link)
    session.commit()
    return _panel(intervention_id)


def _panel(intervention_id: str, fresh: str | None = None) -> ResponseReturnValue:
    intervention = load_intervention(intervention_id)
    name = "_links.html" if request.headers.get("HX-Request") else "links.html"
    return render_template(
        f"interventions/{name}", intervention=intervention, links=links_of(intervention), fresh=fresh
    )
