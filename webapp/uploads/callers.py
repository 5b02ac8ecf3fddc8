"""Who is uploading: a program with an API token, or a person with the short-lived token of the technician's page."""

import uuid
from dataclasses import dataclass

from flask import request
from sqlalchemy import select

from webapp.accounts.access import bearer, token_of
from webapp.accounts.models import User
from webapp.database import session, settings
from webapp.interventions.models import Intervention, Item
from webapp.uploads import tokens
from webapp.uploads.models import Upload
from webapp.uploads.protocol import Refused


@dataclass(frozen=True, slots=True)
class Caller:
    """A dealership, narrowed to one intervention for a person's token."""

    dealership_id: str
    intervention_id: str | None = None

    def intervention(self, intervention_id: str) -> Intervention:
        """An intervention this caller may add to.

        Raises: Refused 404 for everybody else's, as for one that never was.
        """
        found = session.get(Intervention, intervention_id) if _is_id(intervention_id) else None
        if found is None or not self._may(found.dealership_id, found.id):
            raise Refused(404, "there is no such intervention")
        return found

    def upload(self, upload_id: str) -> Upload:
        """An upload this caller may continue.

        Raises: Refused 404 for everybody else's, as for one that never was.
        """
        whose = select(Upload, Item.intervention_id).join(Item, Item.asset_id == Upload.asset_id)
        found = session.execute(whose.where(Upload.id == upload_id)).one_or_none() if _is_id(upload_id) else None
        if found is not None and self._may(found.Upload.dealership_id, found.intervention_id):
            return found.Upload
        raise Refused(404, "there is no such upload")

    def _may(self, dealership_id: str, intervention_id: str) -> bool:
        return dealership_id == self.dealership_id and self.intervention_id in (None, intervention_id)


def _is_id(text: str) -> bool:
    """The plain form of a UUID; anything else (a NUL, say) is not for the database."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def token() -> str:
    """The token of this request; empty without one."""
    return token_of(request.headers.get("Authorization"))


def caller() -> Caller:
    """Who sent this request.

    Raises: Refused 401 for a missing, unknown, expired or revoked token, or one of somebody who has left.
    """
    if text := token():
        if known := tokens.read(settings().effective_secret_key, text):
            user = session.scalar(select(User).where(User.fs_uniquifier == known[0]))
            if user is not None and user.active:
                return Caller(user.dealership_id, known[1])
        elif dealership := bearer(request.headers["Authorization"]):
            return Caller(dealership.id)
    raise Refused(401, "send a valid token: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})
