"""The technician's page: film, photograph, send; then see what became of it.

The page itself is an island that works without a network; this module gives it what it starts with, tells it how far
each file is, and renews its key. Files go to the upload process, never through here.
"""

from typing import Any

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, get_locale, gettext
from flask_security import current_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select

from pipeline.catalog import assets
from pipeline.catalog.models import INGEST, Asset, Claim, Output
from webapp.accounts.access import load_intervention, staff_required
from webapp.database import session, settings
from webapp.interventions import items
from webapp.interventions.models import Intervention, Item
from webapp.interventions.reasons import advice
from webapp.media import shelf, sign
from webapp.uploads import tokens
from webapp.uploads.models import Upload

# quick words for a caption, by what is described; translated as one sentence, so that every language has its own
CHIPS = {
    "film": "Brakes|Tyres|Leak|Suspension|Exhaust|Lights|Battery|All good",
    "document": "Quote|Report|Invoice",
}

blueprint = Blueprint("capture", __name__, url_prefix="/interventions", template_folder="templates")

# the picture shown when a photo is opened: large enough for a phone, the widest format first
_LARGE = ("1600.webp", "800.webp", "1600.jpg", "800.jpg", "320.webp")


@blueprint.get("/<intervention_id>/capture")
@staff_required
def page(intervention_id: str) -> ResponseReturnValue:
    """The page on which a technician films and photographs one intervention."""
    intervention = load_intervention(intervention_id)
    start = {
        "intervention": intervention.id,
        "language": str(get_locale() or "en"),
        "endpoint": f"{settings().effective_upload_url}/files",
        "token": _token(intervention),
        "max": settings().max_upload_bytes,
        "items": _items(intervention),
        "chips": _chips(intervention.customer_language),
        "written": intervention.customer_language,
    }
    return render_template("interventions/capture.html", intervention=intervention, start=start)


@blueprint.get("/<intervention_id>/media.json")
@staff_required
def media(intervention_id: str) -> ResponseReturnValue:
    """Every item in its order: how much arrived, how far it is made, and what to say when it was refused."""
    return {"items": _items(load_intervention(intervention_id))}, {"Cache-Control": "no-store"}


@blueprint.get("/<intervention_id>/upload-token")
@staff_required
def token(intervention_id: str) -> ResponseReturnValue:
    """New keys for a page that was left open longer than they live: of its uploads, and of its other requests."""
    keys = {"token": _token(load_intervention(intervention_id)), "csrf": generate_csrf()}
    return keys, {"Cache-Control": "no-store"}


def _chips(written: str) -> dict[str, list[tuple[str, str]]]:
    """Each quick word as the technician reads it and as the customer will, whose language is `written`."""
    both = {}
    for kind, words in CHIPS.items():
        with force_locale(written):
            theirs = gettext(words)
        both[kind] = list(zip(gettext(words).split("|"), theirs.split("|"), strict=True))
    return both


def _token(intervention: Intervention) -> str:
    return tokens.issue(settings().effective_secret_key, current_user.fs_uniquifier, intervention.id)


def _items(intervention: Intervention) -> list[dict[str, Any]]:
    made = shelf.headlines([item.asset for item in intervention.items])
    query = select(Upload.asset_id, Upload.id).where(
        Upload.dealership_id == g.dealership.id, Upload.asset_id.in_([item.asset_id for item in intervention.items])
    )
    uploads = dict(session.execute(query).all())
    begun = _begun(intervention)
    return [
        _item(item, made[item.asset_id], uploads.get(item.asset_id), item.asset_id in begun)
        for item in intervention.items
    ]


def _begun(intervention: Intervention) -> set[str]:
    """The assets that a worker has begun to make something of: the others stand in line."""
    ids = [item.asset_id for item in intervention.items]
    query = select(Claim.asset_id).where(
        Claim.asset_id.in_(ids), Claim.name != INGEST, Claim.done | Claim.started_at.is_not(None)
    )
    return set(session.scalars(query))


def _item(item: Item, made: dict[str, Output], upload: str | None, begun: bool) -> dict[str, Any]:
    progress = assets.progress(session, item.asset)
    return {
        "id": item.id,
        "upload": upload,
        "kind": item.asset.kind or item.kind,
        "filename": item.filename,
        "caption": item.caption,
        "size": item.asset.size,
        "received": item.asset.received,
        "state": progress.state,
        "percent": progress.percent,
        "begun": begun or bool(made),
        "eta_s": progress.eta_s,
        "playable": progress.playable,
        "partial": shelf.first(item.asset, made)[1],
        "reason": progress.reason,
        "message": advice(progress.reason),
        "thumbnail": items.thumbnail(item.asset, made),
        "preview": _preview(item.asset, made),
    }


def _preview(asset: Asset, made: dict[str, Output]) -> str | None:
    """The address of what the customer will see: a film's playlist, a photo, a document."""
    if shelf.is_playable(made):
        return f"{sign.path(asset.id)}index.m3u8"
    for name, paths in (("sizes", _LARGE), ("document", ("document.pdf",))):
        for path in paths:
            if name in made and shelf.file(made[name], path):
                return f"{sign.path(asset.id)}{made[name].id}/{path}"
    return None
