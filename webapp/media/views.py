"""Media for players and browsers. No view here redirects, and all answer the same 404 to whoever may not see."""

from flask import Blueprint, Response, abort
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from pipeline.catalog import keys
from pipeline.catalog.models import Asset
from pipeline.catalog.storage import NotStored
from webapp.database import session, storage
from webapp.interventions.models import Item
from webapp.media import access, sending, shelf, sign

blueprint = Blueprint("media", __name__, url_prefix="/m/<signature>/<binding>")

# RFC 8216, 4: the registered type; some players refuse a playlist that comes as anything else.
PLAYLIST = "application/vnd.apple.mpegurl"


@blueprint.get("/<asset_id>/<name>.m3u8")
def playlist(signature: str, binding: str, asset_id: str, name: str) -> ResponseReturnValue:
    """A playlist, written from the rows that exist now; gzipped by the application, and never kept."""
    asset = access.asset(signature, binding, asset_id)
    text = shelf.playlists(asset).get(f"{name}.m3u8") if asset else None
    if text is None:
        abort(404)
    response = sending.fence(Response(text, content_type=PLAYLIST))
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/<asset_id>/<output_id>/<path>")
def file(signature: str, binding: str, asset_id: str, output_id: str, path: str) -> ResponseReturnValue:
    """A file of one output: segment, poster, photo, storyboard, or a document as a download."""
    asset = access.asset(signature, binding, asset_id)
    output = shelf.output(asset, output_id) if asset else None
    entry = shelf.file(output, path) if output else None
    if output is None or entry is None:
        abort(404)
    return sending.send(
        keys.file(output.prefix, path),
        entry["bytes"],
        entry["content_type"],
        f"{output.id}-{path}",
        download_name=_pdf_name(asset) if asset and entry["content_type"] == "application/pdf" else None,
    )


def _pdf_name(asset: Asset) -> str:
    """Never the name the file had on the phone: that is the staff's. Without a caption it is the page that counts its
    documents and names them.
    """
    caption = session.scalar(select(Item.caption).where(Item.asset_id == asset.id))
    return sending.pdf_name(caption) if caption else ""


@blueprint.get(f"/{sign.LOGO}/logo.png")
def logo(signature: str, binding: str) -> ResponseReturnValue:
    """The dealership's logo: the cleaned PNG, under its own key."""
    dealership = access.dealership(signature, binding)
    if dealership is None or dealership.logo_key is None:
        abort(404)
    try:
        size = storage().stat(dealership.logo_key).bytes
    except NotStored:
        abort(404)
    return sending.send(dealership.logo_key, size, "image/png", dealership.logo_key.rpartition("/")[2])
