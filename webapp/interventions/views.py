"""The desk: the list of interventions and one intervention."""

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from webapp.accounts.access import load_intervention, staff_required
from webapp.database import session
from webapp.interventions.models import Intervention

blueprint = Blueprint("interventions", __name__, url_prefix="/interventions", template_folder="templates")


@blueprint.get("")
@staff_required
def index() -> ResponseReturnValue:
    """The dealership's interventions, newest first."""
    mine = select(Intervention).where(Intervention.dealership_id == g.dealership.id)
    found = session.scalars(mine.order_by(Intervention.created_at.desc())).all()
    return render_template("interventions/index.html", interventions=found)


@blueprint.get("/<intervention_id>")
@staff_required
def show(intervention_id: str) -> ResponseReturnValue:
    """One intervention."""
    return render_template("interventions/show.html", intervention=load_intervention(intervention_id))
