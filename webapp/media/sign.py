"""Short-lived signed path prefixes: `/m/<expiry>.<mac>/<binding>/<asset>/`.

The signature is in the path and not in a query, so that the relative addresses inside a playlist inherit it: signing
only the first playlist would leave the segments open. A prefix is bound to one customer's link (`l-…`) or to one member
of staff (`u-…`) and opens one asset; whether that link or person may still see it is asked again at every request.
"""

import base64
import hashlib
import hmac
import time

from flask import current_app
from flask_security import current_user

from webapp.database import settings

LOGO = "logo"  # in the asset's place: the dealership's logo


def path(asset_id: str, link_id: str | None = None, expires: float | None = None) -> str:
    """The prefix, with its closing slash, under which an asset's playlists and files are served.

    Bound to the link, or without one to the signed-in person. `expires` is in seconds since 1970; without it the prefix
    lives for `MEDIA_EXPIRY_S` to a quarter more, in steps, so that a page opened again finds its pictures in the cache.
    """
    binding = f"l-{link_id}" if link_id else f"u-{current_user.id}"
    if expires is None:
        lifetime = settings().media_expiry_s
        step = max(1, lifetime // 4)
        expires = (int(time.time()) // step + 1) * step + lifetime
    return f"/m/{int(expires)}.{_mac(int(expires), binding, asset_id)}/{binding}/{asset_id}/"


def holds(signature: str, binding: str, asset_id: str) -> bool:
    """Whether `<expiry>.<mac>` is ours, for exactly this binding and asset, and not over."""
    expiry, _, mac = signature.partition(".")
    if not (expiry.isascii() and expiry.isdecimal() and len(expiry) <= 12 and mac.isascii()):
        return False
    return hmac.compare_digest(mac, _mac(int(expiry), binding, asset_id)) and time.time() < int(expiry)


def _mac(expiry: int, binding: str, asset_id: str) -> str:
    """128 bits of HMAC-SHA256, under a key of this room's own: no other signature of the shop opens a path."""
    key = hmac.digest(current_app.config["SECRET_KEY"].encode(), b"media path", hashlib.sha256)
    digest = hmac.digest(key, f"{expiry}\n{binding}\n{asset_id}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
