"""The link by which a person chooses a password: the first one, or a new one. It works once and for a week."""

from flask import current_app
from flask_security import hash_password
from itsdangerous import BadSignature, URLSafeTimedSerializer

from webapp.accounts.models import User
from webapp.accounts.signin import datastore
from webapp.database import session, settings

LIFE_S = 7 * 86400


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="walkaround.join")


def url(user: User) -> str:
    """The address to give to this person."""
    return f"{settings().effective_public_url}/join/{_signer().dumps([user.id, user.fs_uniquifier])}"


def find(token: str) -> User | None:
    """Whose link this is; None if it is not ours, too old or used."""
    try:
        user_id, unique = _signer().loads(token, max_age=LIFE_S)
    except (BadSignature, ValueError, TypeError):
        return None
    user = session.get(User, user_id)
    return user if user and user.active and user.fs_uniquifier == unique else None


def set_password(user: User, password: str) -> None:
    """A new password. It ends every link and every session of this person. The caller commits."""
    user.password = hash_password(password)
    datastore().set_uniquifier(user)
