"""Uploads that were given up: after their time, their bytes go and the file leaves the intervention."""

import threading
import time

from sqlalchemy import select

from pipeline.catalog import assets
from pipeline.catalog.models import Asset
from webapp.database import session
from webapp.uploads.models import Upload
from workers.settings import Settings

EVERY_S = 60.0  # at most one sweep a minute in each process
BATCH = 20  # uploads of one sweep, so that nobody's request waits long

_next_at = 0.0
_lock = threading.Lock()


def sweep(*, limit: int = BATCH) -> int:
    """Erase up to `limit` unfinished uploads whose time has passed; returns how many."""
    late = (
        select(Upload.asset_id)
        .join(Asset)
        .where(Upload.expires_at < time.time(), Asset.received < Asset.size)
        .order_by(Upload.expires_at)
        .limit(limit)
    )
    found = session.scalars(late).all()
    session.rollback()
    for asset_id in found:
        assets.erase(session(), asset_id)
        session.commit()
    return len(found)


def sometimes(settings: Settings) -> None:
    """Sweep if it is time: new uploads pay for old ones, and a server nobody uses has nothing to clear."""
    global _next_at
    with _lock:
        if time.monotonic() < _next_at:
            return
        _next_at = time.monotonic() + min(EVERY_S, settings.upload_expiry_s)
    sweep()
