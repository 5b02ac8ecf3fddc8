"""Resumable uploads at `/files`: tus 1.0 with creation, creation-with-upload, termination, checksum and expiration.

Each request first learns who asks and what stands (one short transaction), then reads the network with none open.
"""

import time
from collections.abc import Iterator
from typing import Literal

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded

from pipeline.catalog import assets
from webapp.accounts.access import digest
from webapp.database import session, settings, storage
from webapp.guards import limiter, seconds_to_wait
from webapp.uploads import ahead, creation, places, protocol, turns
from webapp.uploads.callers import caller, token
from webapp.uploads.protocol import Checksum, Refused

blueprint = Blueprint("uploads", __name__, url_prefix="/files")


def _sender() -> str:
    """Whose creations are counted together: those of one token, which is not written down."""
    return digest(token())


@blueprint.errorhandler(Refused)
def refused(error: Refused) -> ResponseReturnValue:
    """One plain sentence with the right status."""
    session.rollback()
    return Response(error.message + "\n", error.status, error.headers, mimetype="text/plain")


@blueprint.errorhandler(RateLimitExceeded)
def too_often(_: RateLimitExceeded) -> ResponseReturnValue:
    """The same plain form, with the time to wait."""
    wait_s = seconds_to_wait()
    return refused(Refused(429, f"too many new uploads; try again in {wait_s} s", {"Retry-After": str(wait_s)}))


@blueprint.before_request
def speak_the_same_version() -> None:
    """Everything but OPTIONS must say which version of tus it speaks; GET belongs to HTTP, not to tus."""
    if request.method not in ("OPTIONS", "GET") and request.headers.get("Tus-Resumable") != protocol.VERSION:
        raise Refused(412, f"Tus-Resumable must be {protocol.VERSION}", {"Tus-Version": protocol.VERSION})


@blueprint.after_request
def add_headers(response: Response) -> Response:
    """tus' own headers, and CORS for the one site whose pages upload here."""
    response.headers["Tus-Resumable"] = protocol.VERSION
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Origin")
    if request.headers.get("Origin") == settings().effective_public_url:
        response.headers["Access-Control-Allow-Origin"] = settings().effective_public_url
        response.headers["Access-Control-Expose-Headers"] = protocol.RESPONSE_HEADERS
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@blueprint.route("", methods=["OPTIONS"], provide_automatic_options=False)
@blueprint.route("/", methods=["OPTIONS"], provide_automatic_options=False)
@blueprint.route("/<upload_id>", methods=["OPTIONS"], provide_automatic_options=False)
@blueprint.route("/<upload_id>/index", methods=["OPTIONS"], provide_automatic_options=False)
def options(upload_id: str = "") -> ResponseReturnValue:  # noqa: ARG001
    """What this server can do; also the browser's question before a request from the other origin."""
    return "", 204, {
        "Tus-Version": protocol.VERSION,
        "Tus-Extension": protocol.EXTENSIONS,
        "Tus-Max-Size": str(settings().max_upload_bytes),
        "Tus-Checksum-Algorithm": ",".join(protocol.ALGORITHMS),
        "Access-Control-Allow-Methods": "POST, HEAD, PATCH, PUT, DELETE, OPTIONS, GET",
        "Access-Control-Allow-Headers": protocol.REQUEST_HEADERS,
        "Access-Control-Max-Age": "86400",
    }  # fmt: skip


@blueprint.post("")
@blueprint.post("/")
@limiter.limit("120/minute", key_func=_sender)
def create() -> ResponseReturnValue:
    """A new upload, with its first bytes if the client sends them along."""
    who = caller()
    if "Upload-Concat" in request.headers or "Upload-Defer-Length" in request.headers:
        raise Refused(400, "send one file of known length: Upload-Concat and Upload-Defer-Length are not supported")
    size = protocol.number("Upload-Length", request.headers.get("Upload-Length"))
    header = request.headers.get("Upload-Metadata", "")
    pairs = protocol.metadata(header)
    checksum = _checksum()
    with_bytes = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if with_bytes:
        _require_content_type()
        places.require_room(size)
    upload, made = creation.create(who, pairs, header, size, settings())
    headers = {
        "Location": f"{settings().effective_upload_url}/files/{upload.id}",
        "Upload-Expires": protocol.http_date(upload.expires_at),
    }
    upload_id, received = upload.id, upload.asset.received
    session.rollback()
    if with_bytes:
        headers["Upload-Offset"] = str(received or _first_bytes(upload_id, checksum, made))
    return "", 201, headers


def _first_bytes(upload_id: str, checksum: Checksum | None, made: Literal["new", "known"]) -> int:
    """Store what came with a creation; returns how much of it is safe.

    No client looks for `Location` in a refusal: it creates once more. So what can go on is told with 201 and the true
    offset, and of a body that is wrong in itself nothing stays, not even the upload. Raises: Refused.
    """
    place = None
    try:
        place = places.take_over(upload_id, 0)
        return places.receive(place, checksum)
    except Refused as refused:
        session.rollback()
        if refused.status not in protocol.GOES_ON:
            if place and made == "new":
                creation.take_back(place)
            raise
    received = caller().upload(upload_id).asset.received
    session.rollback()
    return received


@blueprint.route("/<upload_id>", methods=["HEAD"])
def head(upload_id: str) -> ResponseReturnValue:
    """How many bytes are safe. Whoever asks is about to continue, so a stalled request loses its place."""
    turns.ask(_find(upload_id))
    upload = places.alive(places.fenced(upload_id))
    headers = {"Upload-Offset": str(upload.asset.received), "Upload-Length": str(upload.asset.size)}
    if upload.metadata_header:
        headers["Upload-Metadata"] = upload.metadata_header
    if upload.asset.received < upload.asset.size:
        headers["Upload-Expires"] = protocol.http_date(upload.expires_at)
    session.commit()
    return "", 200, headers


@blueprint.patch("/<upload_id>")
def patch(upload_id: str) -> ResponseReturnValue:
    """More bytes from `Upload-Offset` on."""
    _find(upload_id)
    _require_content_type()
    offset = protocol.number("Upload-Offset", request.headers.get("Upload-Offset"))
    checksum = _checksum()
    place = places.take_over(upload_id, offset)
    received = places.receive(place, checksum)
    headers = {"Upload-Offset": str(received)}
    if received < place.size:
        headers["Upload-Expires"] = protocol.http_date(time.time() + settings().upload_expiry_s)
    return "", 204, headers


@blueprint.put("/<upload_id>/index")
@limiter.limit("60/minute", key_func=_sender)
def index(upload_id: str) -> ResponseReturnValue:
    """The film's index, ahead of the film."""
    ahead.take(places.alive(caller().upload(upload_id)).asset_id, storage(), settings())
    return "", 204


@blueprint.delete("/<upload_id>")
def terminate(upload_id: str) -> ResponseReturnValue:
    """The client gives up: the bytes, the asset and its place in the intervention go."""
    turns.ask(_find(upload_id))
    # One transaction, which holds the upload's row before the asset's, as all do that change both: no deadlock.
    assets.erase(session(), places.fenced(upload_id).asset_id)
    session.commit()
    return "", 204


@blueprint.post("/<upload_id>")
def overridden(upload_id: str) -> ResponseReturnValue:
    """PATCH, HEAD or DELETE for clients behind something that only lets POST through."""
    views = {"PATCH": patch, "HEAD": head, "DELETE": terminate}
    wanted = request.headers.get("X-HTTP-Method-Override", "").upper()
    if wanted not in views:
        text = "POST creates at /files; elsewhere it needs X-HTTP-Method-Override"
        raise Refused(405, text, {"Allow": "HEAD, PATCH, DELETE"})
    return views[wanted](upload_id)


@blueprint.route("/<upload_id>", methods=["GET"], provide_automatic_options=False)
def read(upload_id: str) -> ResponseReturnValue:
    """The bytes as they arrived, for conformance suites; switched off unless `TUS_GET` is set."""
    if not settings().tus_get:
        raise Refused(405, "originals are not given out", {"Allow": "HEAD, PATCH, DELETE, OPTIONS"})
    asset = caller().upload(upload_id).asset
    keys, size = [part.key for part in asset.parts], asset.received
    session.rollback()
    kept = storage()

    def blocks() -> Iterator[bytes]:
        for key in keys:
            yield from kept.read(key)

    headers = {"Content-Length": str(size), "Content-Disposition": "attachment"}
    return Response(blocks(), 200, headers, mimetype="application/octet-stream")


def _find(upload_id: str) -> str:
    """The id of an upload this caller may touch; no transaction stays open. Raises: Refused 401, 404."""
    found = caller().upload(upload_id).id
    session.rollback()
    return found


def _checksum() -> Checksum | None:
    header = request.headers.get("Upload-Checksum")
    return Checksum(header) if header is not None else None


def _require_content_type() -> None:
    if request.mimetype != protocol.CONTENT_TYPE:
        raise Refused(415, f"Content-Type must be {protocol.CONTENT_TYPE}")
