"""A request's place at an upload: it takes over from an older one, and writes there. No transaction stays open."""

import time

from flask import request
from sqlalchemy import update
from sqlalchemy.orm import joinedload

from pipeline.catalog.models import State
from webapp.database import session, settings, storage
from webapp.uploads import turns
from webapp.uploads.body import Body
from webapp.uploads.models import Upload
from webapp.uploads.protocol import Checksum, Refused
from webapp.uploads.receive import Place, Receiver


def fenced(upload_id: str) -> Upload:
    """The upload with a higher fence: from now on every older request stores nothing more. The caller commits."""
    raised = update(Upload).where(Upload.id == upload_id).values(fence=Upload.fence + 1)
    session.execute(raised.execution_options(synchronize_session=False))
    upload = session.get(Upload, upload_id, options=[joinedload(Upload.asset)], populate_existing=True)
    if upload is None:
        raise Refused(404, "there is no such upload")
    return upload


def alive(upload: Upload) -> Upload:
    """Raises: Refused 410 for one that has expired unfinished."""
    if upload.asset.received < upload.asset.size and upload.expires_at < time.time():
        raise Refused(410, "this upload has expired; send the file again")
    return upload


def take_over(upload_id: str, offset: int) -> Place:
    """The place to write from `offset` on. Raises: Refused 404, 409, 410, 413."""
    turns.ask(upload_id)
    upload = alive(fenced(upload_id))
    asset = upload.asset
    if asset.received != offset:
        session.commit()
        raise Refused(409, f"the upload is at {asset.received}, not {offset}", {"Upload-Offset": str(asset.received)})
    if asset.state != State.RECEIVING and asset.received < asset.size:
        raise Refused(410, f"this file was refused: {asset.reason}")
    require_room(asset.size - offset)
    place = Place(upload.id, asset.id, asset.size, offset, upload.fence, upload.expires_at)
    session.commit()
    return place


def receive(place: Place, checksum: Checksum | None) -> int:
    """The body of this request, stored; returns the new offset. Raises: Refused as `Receiver.take`."""
    length = request.content_length if "Transfer-Encoding" not in request.headers else None
    with Body(request.environ, length, settings().upload_read_timeout_s) as body, turns.take(place.upload_id) as turn:
        return Receiver(place, storage(), settings(), checksum).take(body, turn)


def require_room(room: int) -> None:
    """Raises: Refused 413 for a body that says it is longer than `room` bytes."""
    if (request.content_length or 0) > room:
        raise Refused(413, f"the body is {request.content_length} bytes, but only {room} are missing")
