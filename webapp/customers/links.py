"""The customer's link: made, found, revoked. Only the hash of its token is kept, so a stolen database opens no page."""

import hashlib
import hmac
import secrets
import time

import uuid_utils
from flask import current_app
from sqlalchemy import select, update

from webapp.customers.models import Link
from webapp.database import session, settings
from webapp.interventions.models import Intervention


def issue(intervention: Intervention, recipient: str = "") -> tuple[Link, str]:
    """A new link for one recipient, and its token, which exists nowhere else. The caller commits.

    It lives for `LINK_EXPIRY_S`. The token is 256 random bits: guessing needs no other defence.
    """
    token = secrets.token_urlsafe(32)
    now = time.time()
    link = Link(
        id=str(uuid_utils.uuid7()),
        intervention_id=intervention.id,
        sha256=_digest(token),
        recipient=recipient,
        created_at=now,
        expires_at=now + settings().link_expiry_s,
        revoked_at=None,
        shared_at=None,
        opened_at=None,
    )
    session.add(link)
    return link, token


def url(token: str) -> str:
    """The address to send to the customer."""
    return f"{settings().effective_public_url}/v/{token}"


def revoke(link: Link) -> None:
    """End a link now: its page and its media, playing or not. Twice is harmless. The caller commits."""
    link.revoked_at = link.revoked_at or time.time()


def find(token: str) -> Link | None:
    """The living link of a token; None if it is unknown, expired or revoked, which nobody can tell apart."""
    return session.scalar(
        select(Link).where(Link.sha256 == _digest(token), Link.revoked_at.is_(None), Link.expires_at > time.time())
    )


def note_shared(link: Link) -> None:
    """Note that the link's address left the desk; the first time counts. The caller commits."""
    session.execute(update(Link).where(Link.id == link.id, Link.shared_at.is_(None)).values(shared_at=time.time()))


def confirm_opened(link: Link) -> None:
    """Note that a person saw the page; the first time counts. The caller commits."""
    session.execute(update(Link).where(Link.id == link.id, Link.opened_at.is_(None)).values(opened_at=time.time()))


def csrf(link: Link) -> str:
    """What a POST from this link's page must carry. A customer has no session: it follows from the link alone."""
    key = hmac.digest(current_app.config["SECRET_KEY"].encode(), b"customer csrf", hashlib.sha256)
    return hmac.new(key, link.sha256.encode(), hashlib.sha256).hexdigest()


def is_csrf(link: Link, given: str) -> bool:
    """Whether a POST really comes from this link's page."""
    return given.isascii() and hmac.compare_digest(given, csrf(link))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
