"""The short-lived key the technician's page uploads with: one person, one intervention, half a day.

The upload process may live on another host than the pages, where the session cookie does not reach. Like a session, a
key ends with a new password. Signing out leaves it: what is on its way from the phone still arrives.
"""

from itsdangerous import BadSignature, URLSafeTimedSerializer

LIFE_S = 12 * 3600  # a working day with the page left open; a reload brings a new one

PREFIX = "wu_"


def _signer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="walkaround.upload")


def issue(secret: str, unique: str, intervention_id: str) -> str:
    """A token to upload to this intervention for the next twelve hours, for the person with this `fs_uniquifier`."""
    return PREFIX + _signer(secret).dumps([unique, intervention_id])


def read(secret: str, text: str, *, max_age_s: float = LIFE_S) -> tuple[str, str] | None:
    """(`fs_uniquifier`, intervention id) of a token, or None when it is not ours, was changed or is too old."""
    if not text.startswith(PREFIX):
        return None
    try:
        unique, intervention_id = _signer(secret).loads(text.removeprefix(PREFIX), max_age=max_age_s)
    except (BadSignature, ValueError, TypeError):
        return None
    return str(unique), str(intervention_id)
