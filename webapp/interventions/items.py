"""The films, photos and files of an intervention on the desk: order, captions, live progress, removal."""

import hashlib
import time
from dataclasses import dataclass

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.exc import NoResultFound

from pipeline.catalog import assets
from pipeline.catalog.models import Asset, Output, State
from webapp.accounts.access import load_intervention, load_item, staff_required
from webapp.database import session
from webapp.interventions import erasing
from webapp.interventions.models import Intervention, Item
from webapp.interventions.reasons import advice
from webapp.interventions.words import clock_time
from webapp.media import shelf, sign
from webapp.texts import clean

blueprint = Blueprint("items", __name__, template_folder="templates")

# name of the output and of its file that stand for a whole item, the best first
THUMBNAILS = (("poster", "poster.jpg"), ("sizes", "320.webp"), ("sizes", "320.jpg"), ("document", "page.jpg"))


@dataclass(frozen=True, slots=True)
class View:
    """An item as the desk shows it."""

    item: Item
    progress: assets.Progress
    thumbnail: str | None
    advice: str

    @property
    def is_moving(self) -> bool:
        return self.progress.state in (State.RECEIVING, State.PROCESSING)

    @property
    def length(self) -> str:
        """How long a film is, as players show it; empty for anything else, and while nobody knows."""
        kind, source = self.item.asset.kind or self.item.kind, self.item.asset.source or {}
        return clock_time(source["duration"]) if kind == "film" and source.get("duration") else ""

    @property
    def remaining(self) -> str:
        """The time left in words; empty when nobody knows."""
        if self.progress.eta_s is None:
            return ""
        if self.progress.eta_s < 60:
            return gettext("about %(count)d s left", count=max(1, round(self.progress.eta_s)))
        return gettext("about %(count)d min left", count=round(self.progress.eta_s / 60))


def views(intervention: Intervention) -> list[View]:
    """Every item, in the technician's order."""
    made = shelf.headlines([item.asset for item in intervention.items])
    return [_view(item, made[item.asset_id]) for item in intervention.items]


def thumbnail(asset: Asset, made: dict[str, Output]) -> str | None:
    """The address of the picture that stands for an asset, under a path of the signed-in person."""
    for name, path in THUMBNAILS:
        if name in made and shelf.file(made[name], path):
            return f"{sign.path(asset.id)}{made[name].id}/{path}"
    return None


def fingerprint(intervention: Intervention) -> str:
    """Changes whenever items come, go or change places."""
    return hashlib.sha256(" ".join(item.id for item in intervention.items).encode()).hexdigest()[:16]


def _view(item: Item, made: dict[str, Output]) -> View:
    progress = assets.progress(session, item.asset)
    return View(item, progress, thumbnail(item.asset, made), advice(progress.reason))


@blueprint.get("/<intervention_id>/media")
@staff_required
def media(intervention_id: str) -> ResponseReturnValue:
    """The list again, if it is not the one already `seen`."""
    intervention = load_intervention(intervention_id)
    seen = fingerprint(intervention)
    if request.args.get("seen") == seen:
        return "", 204
    return render_template("interventions/_media.html", intervention=intervention, views=views(intervention), seen=seen)


@blueprint.get("/items/<item_id>/figure")
@staff_required
def figure(item_id: str) -> ResponseReturnValue:
    """An item's picture with its state; it asks for itself again while something moves."""
    item = load_item(item_id)
    made = shelf.headlines([item.asset])[item.asset_id]
    return render_template("interventions/_figure.html", view=_view(item, made))


@blueprint.post("/items/<item_id>/caption")
@staff_required
def caption(item_id: str) -> ResponseReturnValue:
    """Write an item's caption."""
    item = load_item(item_id)
    item.caption = clean(request.form.get("caption", "")).strip()[:300]
    item.intervention.updated_at = time.time()
    intervention_id = item.intervention_id
    session.commit()
    return _answer(intervention_id, "", 204)


@blueprint.post("/items/<item_id>/move/<direction>")
@staff_required
def move(item_id: str, direction: str) -> ResponseReturnValue:
    """Let an item change places with its neighbour."""
    item = load_item(item_id)
    order = list(item.intervention.items)
    if item not in order:
        abort(404)  # erased since it was looked for
    here = order.index(item)
    there = here - 1 if direction == "up" else here + 1
    if 0 <= there < len(order):
        order[here], order[there] = order[there], order[here]
    for place, one in enumerate(order):
        one.position = place
    intervention_id = item.intervention_id
    session.commit()
    return _list(intervention_id)


@blueprint.post("/items/<item_id>/delete")
@staff_required
def remove(item_id: str) -> ResponseReturnValue:
    """Erase an item: its rows now, its bytes within seconds."""
    item = load_item(item_id)
    intervention_id = item.intervention_id
    erasing.item(item)
    session.commit()
    return _list(intervention_id)


@blueprint.post("/items/<item_id>/retry")
@staff_required
def retry(item_id: str) -> ResponseReturnValue:
    """Try again what failed on our side."""
    item = load_item(item_id)
    intervention_id = item.intervention_id
    try:
        assets.retry(session, item.asset_id)
    except NoResultFound:
        abort(404)  # erased since it was looked for
    session.commit()
    return _list(intervention_id)


def _list(intervention_id: str) -> ResponseReturnValue:
    intervention = load_intervention(intervention_id)
    page = render_template(
        "interventions/_media.html",
        intervention=intervention,
        views=views(intervention),
        seen=fingerprint(intervention),
    )
    return _answer(intervention_id, page, 200)


def _answer(intervention_id: str, fragment: str, status: int) -> ResponseReturnValue:
    """The fragment for htmx; without JavaScript, the page again."""
    if request.headers.get("HX-Request"):
        return fragment, status
    return redirect(url_for("interventions.show", intervention_id=intervention_id))
