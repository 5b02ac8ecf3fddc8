"""The index of a film, sent ahead of the film: `PUT /files/<id>/index?offset=N`. No part of tus; docs/uploads.md.

Only its first eight bytes are looked at here. What it says is believed when the same bytes have arrived.
"""

import hashlib
import secrets
import time
from contextlib import suppress

from flask import request
from flask_limiter import RateLimitExceeded

from pipeline.catalog import assets, keys
from pipeline.catalog.models import Asset
from pipeline.catalog.storage import Storage, StorageDown
from webapp.database import session
from webapp.guards import limiter
from webapp.uploads.body import Body
from webapp.uploads.protocol import Refused, number
from workers.settings import Settings

MOST_BYTES = 16 << 20  # the index of half an hour of film at 60 frames/s is 3 MB
PATIENCE_S = 20.0  # for all of it: it is help for a film that arrives meanwhile
MOST_OTHERS = "3/day"  # in place of the first one of a film: each begins its making anew
CONTENT_TYPE = "application/octet-stream"


def take(asset_id: str, storage: Storage, settings: Settings) -> None:
    """Keep the body of this request as the index of a film that is still arriving; the caller may do so.

    Raises: Refused 400 for no index, 408, 409 when it is no longer of use, 411, 413, 415, 503.
    """
    if request.mimetype != CONTENT_TYPE:
        raise Refused(415, f"Content-Type must be {CONTENT_TYPE}")
    offset = number("offset", request.args.get("offset"))
    length = request.content_length
    if length is None:
        raise Refused(411, "send the index with its Content-Length")
    if length > MOST_BYTES:
        raise Refused(413, f"the index is {length} bytes, limit {MOST_BYTES}")
    _require_place(asset_id, offset, length)
    body = _read(length, settings.upload_read_timeout_s)
    if body[4:8] != b"moov" or _length(body) != length:
        raise Refused(400, "the body must be one whole 'moov' box")
    key = keys.hint(asset_id, offset, hashlib.sha256(body).hexdigest(), secrets.token_hex(8))
    _count(asset_id, key)
    try:
        storage.put(key, memoryview(body))
    except StorageDown as error:
        raise Refused(503, "the storage does not answer; try again", {"Retry-After": "5"}) from error
    try:
        replaced = assets.hint(session(), asset_id, offset=offset, length=length, key=key, window=settings.window)
        session.commit()
    except assets.NotReceiving:
        session.rollback()
        _remove(storage, key)
        raise _late() from None
    if replaced:
        _remove(storage, replaced)


def _read(length: int, patience_s: float) -> bytearray:
    data, end = bytearray(length), time.monotonic() + PATIENCE_S
    with Body(request.environ, length, patience_s) as body:
        while body.taken < length:
            wait_s = min(patience_s, end - time.monotonic())
            if wait_s <= 0 or (came := body.read_into(memoryview(data)[body.taken :], wait_s)) is None:
                raise Refused(408, f"only {body.taken} of {length} bytes came in time")
            if not came:
                raise Refused(400, f"the body ended after {body.taken} of {length} bytes")
    return data


def _count(asset_id: str, key: str) -> None:
    """Count an index that is not the one there is; the broker that counts is asked with no transaction open.

    Raises: Refused 409 for one too many.
    """
    asset = session.get(Asset, asset_id)
    there = asset.hint_key if asset is not None else None
    session.rollback()
    try:
        if there is not None and not keys.same_hint(there, key):
            _count_another()
    except RateLimitExceeded:
        raise Refused(409, "too many different indexes were sent for this file") from None


@limiter.limit(MOST_OTHERS, key_func=lambda: (request.view_args or {})["upload_id"])
def _count_another() -> None:
    """Raises: RateLimitExceeded."""


def _require_place(asset_id: str, offset: int, length: int) -> None:
    asset = session.get(Asset, asset_id)
    size = asset.size if asset is not None else 0
    receiving = asset is not None and asset.received < size
    session.rollback()
    if not receiving:
        raise _late()
    if offset + length > size:
        raise Refused(400, f"the index would end at byte {offset + length}, the file at {size}")


def _late() -> Refused:
    return Refused(409, "this upload is complete, or no longer there: an index is of no more use")


def _length(body: bytearray) -> int:
    """What a box says of its own length. Source: ISO/IEC 14496-12, 4.2."""
    short = int.from_bytes(body[:4], "big")
    return int.from_bytes(body[8:16], "big") if short == 1 else short


def _remove(storage: Storage, key: str) -> None:
    with suppress(StorageDown):  # the sweep finds what no row names
        storage.delete(key)
