"""The cookie which holds a link's token after the first visit; one for each link, so that several live side by side."""

import time

from flask import Response, request

from webapp.customers import links
from webapp.customers.models import Link
from webapp.database import settings

# Browsers treat these hosts as secure even over plain HTTP (W3C Secure Contexts, 3.1).
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def remember(response: Response, link: Link, token: str) -> None:
    """Put the link's token into the browser, out of reach of scripts and of other sites' requests."""
    response.set_cookie(
        _name(link.id),
        token,
        max_age=int(link.expires_at - time.time()),
        secure=_is_secure(),
        httponly=True,
        samesite="Lax",
        path="/",
    )


def recall(link_id: str) -> Link | None:
    """The living link which this browser holds under `link_id`."""
    token = request.cookies.get(_name(link_id))
    link = links.find(token) if token else None
    return link if link is not None and link.id == link_id else None


def _name(link_id: str) -> str:
    """`__Host-` ties a cookie to this host and HTTPS. Browsers drop it over plain HTTP, which only a trial in the
    workshop's own network uses."""
    return f"{'__Host-' if _is_secure() else ''}link-{link_id}"


def _is_secure() -> bool:
    public = settings().effective_public_url
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    return request.is_secure or public.startswith("https://") or host in _LOOPBACK or host.endswith(".localhost")
