"""Stored bytes as HTTP: ranges, validators, private caching, and nothing a browser could run."""

import re
from collections.abc import Iterator
from itertools import chain

from flask import Response, request
from werkzeug.datastructures import ContentRange
from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable

from pipeline.catalog.storage import NotStored
from webapp.database import settings, storage

# Whatever a file claims to be, it may not load or run anything, even when opened by itself.
FENCE = "default-src 'none'; sandbox"


def send(key: str, size: int, content_type: str, etag: str, *, download_name: str | None = None) -> Response:
    """An object of `size` bytes, or the one range of it that was asked for.

    Objects are never rewritten, so the browser may keep them as long as the path lives and any validator is strong.
    Several ranges at once are answered with the whole, as RFC 9110 (14.2) allows. With a `download_name` it is saved
    under that name; with an empty one under the name that the link to it says.

    Raises: NotFound if the object is gone; RequestedRangeNotSatisfiable (416) with the size.
    """
    status, start, end = _range(size, etag)
    response = Response(status=status, content_type=content_type)
    response.set_etag(etag)
    response.headers["Cache-Control"] = f"private, max-age={settings().media_expiry_s}, immutable"
    response.headers["Accept-Ranges"] = "bytes"
    fence(response)
    if download_name is not None:
        named = {"filename": download_name} if download_name else {}
        response.headers.set("Content-Disposition", "attachment", **named)
    if etag in request.if_none_match:
        response.status_code = 304
        del response.headers["Content-Type"]
        return response
    response.content_length = end - start
    if status == 206:
        response.content_range = ContentRange("bytes", start, end, size)
    if request.method != "HEAD" and end > start:
        response.response = _opened(key, start, end)
    return response


def pdf_name(caption: str) -> str:
    """What a downloaded document is called: its caption, as every system takes a file's name."""
    plain = re.sub(r"[^\w ,()'’&+-]+", " ", caption)
    return f"{' '.join(plain.split())[:80].strip(' ,') or 'document'}.pdf"


def fence(response: Response) -> Response:
    """Headers which keep a media response from being anything else."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = FENCE
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _range(size: int, etag: str) -> tuple[int, int, int]:
    """Status and the bytes [start, end) to send."""
    wanted = request.range
    stale = request.headers.get("If-Range", "").strip() not in ("", f'"{etag}"')
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1 or stale:
        return 200, 0, size
    found = wanted.range_for_length(size)
    if found is None:
        raise RequestedRangeNotSatisfiable(length=size)
    return 206, *found


def _opened(key: str, start: int, end: int) -> Iterator[bytes]:
    """The stored blocks, the first already read: a missing object is still a 404 then, and not a broken body."""
    try:
        blocks = iter(storage().read(key, start, end))
        first = next(blocks, b"")
    except NotStored:
        raise NotFound from None
    return chain([first], blocks)
