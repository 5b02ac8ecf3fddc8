"""The desk: the list of interventions, and one with everything that belongs to it."""

import io
import time

import segno
import uuid_utils
from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup, escape
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from webapp.accounts.access import load_intervention, staff_required
from webapp.database import session, settings
from webapp.interventions import items, sharing, words
from webapp.interventions.forms import InterventionForm
from webapp.interventions.models import Intervention, Item
from webapp.interventions.search import matches
from webapp.interventions.states import NAMES, stage, standing
from webapp.media import shelf
from webapp.texts import clean

blueprint = Blueprint("interventions", __name__, url_prefix="/interventions", template_folder="templates")
blueprint.register_blueprint(items.blueprint)
blueprint.register_blueprint(sharing.blueprint)
words.register(blueprint)

PAGE = 30
LAST = 100_000  # pages: no database counts further than a number of 64 bits


@blueprint.get("")
@staff_required
def index() -> ResponseReturnValue:
    """The dealership's interventions, newest first, by words and stage."""
    asked = clean(request.args.get("q", "")).strip()[:100]
    chosen = request.args.get("stage", "")
    page = min(max(1, request.args.get("page", 1, type=int)), LAST)
    where = stage(time.time())
    mine = (Intervention.dealership_id == g.dealership.id) & matches(asked)
    counts = dict(session.execute(select(where, func.count()).where(mine).group_by(where)).all())
    query = select(Intervention, where.label("stage")).where(mine)
    if chosen in NAMES:
        query = query.where(where == chosen)
    query = query.options(selectinload(Intervention.items).joinedload(Item.asset))
    query = query.order_by(Intervention.created_at.desc()).offset((page - 1) * PAGE).limit(PAGE + 1)
    rows = session.execute(query).all()
    return render_template(
        "interventions/index.html",
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        made=shelf.headlines([item.asset for row in rows for item in row.Intervention.items]),
        counts=counts,
        total=sum(counts.values()),
        words=asked,
        thumbnail=items.thumbnail,
        chosen=chosen,
        page=page,
        names=NAMES,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@staff_required
def new() -> ResponseReturnValue:
    """A new intervention; then its page."""
    form = InterventionForm(customer_language=_local_language())
    if form.validate_on_submit():
        now = time.time()
        made = Intervention(
            id=str(uuid_utils.uuid7()), dealership_id=g.dealership.id, created_at=now, updated_at=now, **form.values()
        )
        session.add(made)
        if _saved(form):
            return redirect(url_for("interventions.show", intervention_id=made.id))
    return render_template("interventions/edit.html", form=form, intervention=None), 422 if form.errors else 200


@blueprint.route("/<intervention_id>/edit", methods=["GET", "POST"])
@staff_required
def edit(intervention_id: str) -> ResponseReturnValue:
    """Change what is written about an intervention."""
    intervention = load_intervention(intervention_id)
    form = InterventionForm(obj=intervention)
    if form.validate_on_submit():
        for name, value in form.values().items():
            setattr(intervention, name, value)
        intervention.updated_at = time.time()
        if _saved(form):
            return redirect(url_for("interventions.show", intervention_id=intervention_id))
    page = render_template("interventions/edit.html", form=form, intervention=load_intervention(intervention_id))
    return page, 422 if form.errors else 200


@blueprint.get("/<intervention_id>")
@staff_required
def show(intervention_id: str) -> ResponseReturnValue:
    """One intervention: vehicle, customer, media, links."""
    intervention = load_intervention(intervention_id)
    return render_template(
        "interventions/show.html",
        intervention=intervention,
        **standing(intervention),
        views=items.views(intervention),
        seen=items.fingerprint(intervention),
        links=sharing.links_of(intervention),
        qr=_qr(f"{settings().effective_public_url}/interventions/{intervention.id}/capture"),
    )


def _saved(form: InterventionForm) -> bool:
    try:
        session.commit()
    except IntegrityError:
        session.rollback()
        form.reference.errors = [_taken(form.reference.data.strip())]
        return False
    return True


def _taken(reference: str) -> Markup:
    """That this number is used already, and the way to where it is."""
    sentence = gettext("There is already an intervention with this number.")
    query = select(Intervention.id).where(Intervention.dealership_id == g.dealership.id)
    found = session.scalar(query.where(Intervention.reference == reference))
    if found is None:
        return escape(sentence)  # erased since
    way = url_for("interventions.show", intervention_id=found)
    return Markup('{} <a href="{}">{}</a>').format(sentence, way, gettext("Open it"))


def _local_language() -> str:
    return {"FR": "fr", "BE": "fr", "LU": "fr", "DE": "de", "AT": "de", "CH": "de"}.get(g.dealership.country, "en")


def _qr(url: str) -> str:
    """A QR code as an inline SVG in the page's own colour."""
    drawn = io.BytesIO()
    segno.make(url, micro=False, error="m").save(drawn, kind="svg", xmldecl=False, svgns=True, border=0, omitsize=True)
    return drawn.getvalue().decode()
