"""Who may see what. Somebody else's thing does not exist: outsiders get 404, never 403.

Both doors, the signed-in person's and the API token's, end in `g.dealership`; every loader below looks only inside it.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, cast

import uuid_utils
from flask import abort, g
from flask.typing import ResponseReturnValue
from flask_security import auth_required, current_user
from sqlalchemy import select

from webapp.accounts.models import ApiToken, Dealership, RoleName
from webapp.database import session
from webapp.interventions.models import Intervention, Item
from webapp.texts import is_id

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]


def staff_required(view: View[P]) -> View[P]:
    """Only for a signed-in person; sets `g.dealership`. Others are sent to the sign-in page (JSON clients get 401)."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        g.dealership = current_user.dealership
        return view(*args, **kwargs)

    return cast(View[P], auth_required("session")(guarded))


def role_required(*names: RoleName) -> Callable[[View[P]], View[P]]:
    """Only for a signed-in person with one of these roles; others get 403."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            if not has_role(*names):
                abort(403)
            return view(*args, **kwargs)

        return staff_required(guarded)

    return decorate


def has_role(*names: RoleName) -> bool:
    """Whether the signed-in person has one of these roles."""
    return bool({role.name for role in current_user.roles} & set(names))


def works_for(dealership_id: str) -> bool:
    """Whether whoever sent this request is signed in as somebody of this dealership; asks nobody to sign in."""
    return current_user.is_authenticated and current_user.dealership_id == dealership_id


def load_intervention(intervention_id: str) -> Intervention:
    """An intervention of `g.dealership`.

    Raises: 404 for everybody else's, as for one that never was.
    """
    found = session.get(Intervention, intervention_id) if is_id(intervention_id) else None
    if found is None or found.dealership_id != g.dealership.id:
        abort(404)
    return found


def load_item(item_id: str) -> Item:
    """An item of an intervention of `g.dealership`.

    Raises: 404 for everybody else's.
    """
    found = session.get(Item, item_id) if is_id(item_id) else None
    if found is None or found.intervention.dealership_id != g.dealership.id:
        abort(404)
    return found


def load_item_of(asset_id: str) -> Item:
    """The item by which an asset belongs to an intervention of `g.dealership`.

    Raises: 404 for everybody else's.
    """
    item = session.scalar(select(Item).where(Item.asset_id == asset_id)) if is_id(asset_id) else None
    if item is None or item.intervention.dealership_id != g.dealership.id:
        abort(404)
    return item


def issue_token(dealership: Dealership, name: str, *, lives_s: float | None = None) -> tuple[ApiToken, str]:
    """A new API token and its text, which is shown once; only its SHA-256 is kept. The caller commits."""
    text = "wa_" + secrets.token_urlsafe(32)
    now = time.time()
    token = ApiToken(
        id=str(uuid_utils.uuid7()),
        dealership_id=dealership.id,
        name=name,
        sha256=digest(text),
        created_at=now,
        expires_at=now + lives_s if lives_s else None,
        revoked_at=None,
    )
    session.add(token)
    return token, text


def token_of(header: str | None) -> str:
    """The token in an `Authorization: Bearer …` header, however that is written; empty without one."""
    scheme, _, text = (header or "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def bearer(header: str | None) -> Dealership | None:
    """The dealership of an `Authorization: Bearer …` header, or None for an unknown, expired or revoked token."""
    if not (text := token_of(header)):
        return None
    token = session.scalar(select(ApiToken).where(ApiToken.sha256 == digest(text)))
    if token is None or token.revoked_at or (token.expires_at and token.expires_at < time.time()):
        return None
    return session.get(Dealership, token.dealership_id)


def digest(text: str) -> str:
    """What may be stored of a secret text: its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()
