"""A new upload: the asset that will hold the bytes, its place in the intervention, and the URL to send them to."""

import hashlib
import hmac
import re
import time
import uuid
from dataclasses import dataclass
from typing import Literal

import uuid_utils
from sqlalchemy import func, select, update

from pipeline.catalog import assets
from pipeline.catalog.models import Asset, State
from webapp.accounts.models import Dealership
from webapp.database import session
from webapp.interventions.models import Intervention, Item
from webapp.uploads.callers import Caller
from webapp.uploads.models import Upload
from webapp.uploads.protocol import REASON, Refused
from webapp.uploads.receive import Place
from workers.settings import Settings

KINDS = ("film", "photo", "document")
QUOTA_RETRY_S = 60  # an upload in the way takes minutes, or is forgotten after UPLOAD_EXPIRY_S
_TYPES = {"video": "film", "image": "photo"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # control characters and direction tricks


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client says of the file it wants to send. Shown to staff; never part of a path or key."""

    intervention: str
    kind: str
    filename: str
    caption: str
    key: str  # made by the client: a repeated creation finds the first one instead of making a second

    @classmethod
    def read(cls, pairs: dict[str, str]) -> "Wish":
        """Raises: Refused 400 naming the pair that is missing or wrong."""
        if not pairs.get("intervention"):
            raise Refused(400, "Upload-Metadata needs 'intervention'")
        kind = pairs.get("kind") or _TYPES.get(pairs.get("filetype", "").partition("/")[0], "document")
        if kind not in KINDS:
            raise Refused(400, f"Upload-Metadata 'kind' is {kind[:20]!r}, not one of {', '.join(KINDS)}")
        caption = _CONTROL.sub(" ", pairs.get("caption", "")).strip()
        if len(caption) > 300:
            raise Refused(400, f"Upload-Metadata 'caption' is {len(caption)} characters, limit 300")
        key = pairs.get("key", "")
        if len(key) > 100:
            raise Refused(400, f"Upload-Metadata 'key' is {len(key)} characters, limit 100")
        return cls(pairs["intervention"], kind, _CONTROL.sub("", pairs.get("filename", ""))[-255:], caption, key)


def create(
    caller: Caller, pairs: dict[str, str], header: str, size: int, settings: Settings
) -> tuple[Upload, Literal["new", "known"]]:
    """The upload for this wish, committed; the one made before, which is `known`, if the client repeats itself.

    `size` in bytes. Raises: Refused 400, 404, 409 (the same key with another size), 413, 429 (too much is on its way).
    """
    wish = Wish.read(pairs)
    if size > settings.max_upload_bytes:
        raise Refused(413, f"the file is {size} bytes, limit {settings.max_upload_bytes}")
    intervention = caller.intervention(wish.intervention)
    upload_id = _upload_id(wish, intervention, settings)
    if (known := session.get(Upload, upload_id)) is None:
        _queue_up(intervention.dealership_id)
        known = session.get(Upload, upload_id)  # the same creation, twice at once: the other one may have been first
    if known is None:
        _hold(intervention.id)
        _require_quota(intervention.dealership_id, size, settings)
        return _insert(upload_id, wish, intervention, header, size, settings), "new"
    if known.asset.size != size:
        raise Refused(409, f"this key belongs to a file of {known.asset.size} bytes, not {size}")
    return known, "known"


def take_back(place: Place) -> None:
    """Forget an upload that was made a moment ago, unless another request has found it meanwhile and taken it over."""
    ours = update(Upload).where(Upload.id == place.upload_id, Upload.fence == place.fence)
    raised = ours.values(fence=Upload.fence + 1).execution_options(synchronize_session=False)
    if session.execute(raised).rowcount == 1:
        assets.erase(session(), place.asset_id)
    session.commit()


def _upload_id(wish: Wish, intervention: Intervention, settings: Settings) -> str:
    """Random, or from the client's key and our secret: the same for a repeated creation, and still not guessable."""
    if not wish.key:
        return str(uuid.uuid4())
    named = f"{intervention.id}\n{wish.key}".encode()
    digest = hmac.digest(settings.effective_secret_key.encode(), b"walkaround.upload-id\n" + named, hashlib.sha256)
    return str(uuid.UUID(bytes=digest[:16], version=4))


def _queue_up(dealership_id: str) -> None:
    """One creation of a dealership after another, until the commit: what is counted from here on stays true.

    `key_share`: rows that merely refer to the dealership may be written meanwhile.
    """
    session.execute(select(Dealership.id).where(Dealership.id == dealership_id).with_for_update(key_share=True))


def _hold(intervention_id: str) -> None:
    """Until the commit nobody erases the intervention. Raises: Refused 404 where somebody has just done so."""
    row = select(Intervention.id).where(Intervention.id == intervention_id)
    if session.scalar(row.with_for_update(read=True, key_share=True)) is None:
        raise Refused(404, "there is no such intervention")


def _require_quota(dealership_id: str, size: int, settings: Settings) -> None:
    """Room for `size` more bytes among what the dealership has announced and not yet sent. Raises: Refused 413, 429."""
    limit = settings.max_unfinished_bytes
    if size > limit:
        raise Refused(413, f"the file is {size} bytes, and unfinished uploads may be {limit} bytes together")
    unfinished = select(func.sum(Asset.size)).where(Asset.owner == dealership_id, Asset.state == State.RECEIVING)
    if (waiting := session.scalar(unfinished) or 0) + size > limit:
        text = f"unfinished uploads hold {waiting} of {limit} bytes: finish or remove one first"
        raise Refused(429, text, {"Retry-After": str(QUOTA_RETRY_S), REASON: "unfinished"})


def _insert(
    upload_id: str, wish: Wish, intervention: Intervention, header: str, size: int, settings: Settings
) -> Upload:
    dealership = session.get_one(Dealership, intervention.dealership_id)
    now = time.time()
    asset = assets.create(
        session(), owner=dealership.id, preset=settings.preset, size=size, watermark_key=dealership.logo_key
    )
    session.flush()
    last = session.scalar(select(func.max(Item.position)).where(Item.intervention_id == intervention.id))
    session.add(
        Item(
            id=str(uuid_utils.uuid7()),
            intervention_id=intervention.id,
            asset_id=asset.id,
            kind=wish.kind,
            filename=wish.filename,
            caption=wish.caption,
            position=0 if last is None else last + 1,
            created_at=now,
        )
    )
    upload = Upload(
        id=upload_id,
        asset_id=asset.id,
        dealership_id=dealership.id,
        metadata_header=header,
        expires_at=now + settings.upload_expiry_s,
    )
    session.add(upload)
    session.commit()
    return upload
