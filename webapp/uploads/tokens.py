"""The short-lived key the technician's page uploads with: one person, one intervention, half a day.

The upload process may live on another host than the pages, where the session cookie does not reach.
"""

from itsdangerous import BadSignature, URLSafeTimedSerializer

LIFE_S = 12 * 3600  # a working day with the page left open; a reload brings a new one

PREFIX = "wu_"


def _signer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="walkaround.upload")


def issue(secret: str, user_id: int, intervention_id: str) -> str:
    """A token for this person to upload to this intervention for the next twelve hours."""
    return PREFIX + _signer(secret).dumps([user_id, intervention_id])


def read(secret: str, text: str, *, max_age_s: float = LIFE_S) -> tuple[int, str] | None:
    """(user id, intervention id) of a token, or None when it is not ours, was changed or is too old."""
    if not text.startswith(PREFIX):
        return None
    try:
        user_id, intervention_id = _signer(secret).loads(text.removeprefix(PREFIX), max_age=max_age_s)
    except (BadSignature, ValueError, TypeError):
        return None
    return user_id, intervention_id
