"""Every change of an asset, and what may be said about it.

Callers commit. Each change is one short transaction, so that after a crash a row is either before it or after it.
What workers change (claims, outputs) is in `claims`, what is decided and when in `plans`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
import uuid_utils
from sqlalchemy import ColumnElement, case, delete, or_, select, update
from sqlalchemy.orm import Session

from pipeline.catalog.endings import fail, publish, reject, release, stumble
from pipeline.catalog.engine import now
from pipeline.catalog.leases import Lease, claim, renew
from pipeline.catalog.models import INGEST, Asset, Claim, Erasure, Output, Part, State
from pipeline.catalog.outbox import WINDOW, dispatch, ring
from pipeline.catalog.plans import NotReceiving, begin, complete, decide_again, hint, outdated, plan, wait
from pipeline.catalog.storage import Piece
from pipeline.catalog.wanted import EXTRAS, begin_again, given_up, missing, recorded
from pipeline.errors import Empty
from pipeline.names import FIRST

__all__ = [
    "Lease",
    "NotReceiving",
    "OffsetConflict",
    "Progress",
    "add_part",
    "add_parts",
    "claim",
    "create",
    "erase",
    "fail",
    "given_up",
    "hint",
    "missing",
    "outdated",
    "outputs",
    "plan",
    "progress",
    "publish",
    "reject",
    "release",
    "renew",
    "retry",
    "stumble",
    "wait",
]

_TELLING = 0.05  # of the work: before that the first moments would speak for all of it
_PLAYABLE = (FIRST, "sizes", "document")
_PAUSE_S = 30.0  # without a byte: three times what a slow line takes for one part
_SHORTEST_S = 0.01


class OffsetConflict(Exception):
    """The bytes do not begin where the stored ones end, pass the announced end, or the asset no longer receives."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an asset is. `percent` is of bytes while receiving, then of work; `eta_s` is None when unknown."""

    state: State
    percent: int
    eta_s: float | None
    playable: bool
    reason: str | None


def create(session: Session, *, owner: str, preset: str, size: int, watermark_key: str | None = None) -> Asset:
    """A new asset of `size` bytes, waiting for its first part. One of 0 bytes is rejected at once."""
    asset = Asset(
        id=str(uuid_utils.uuid7()),
        owner=owner,
        preset=preset,
        watermark_key=watermark_key,
        state=State.RECEIVING,
        size=size,
        received=0,
        request_id=structlog.contextvars.get_contextvars().get("request_id"),
        created_at=now(),
        touched_at=now(),
    )
    if size == 0:
        asset.state, asset.reason, asset.detail = State.REJECTED, Empty.reason, "0 bytes announced"
        asset.completed_at = asset.finished_at = now()
    else:
        session.add(begin(asset))
    session.add(asset)
    session.flush()
    return asset


def add_part(session: Session, asset_id: str, *, offset: int, length: int, key: str, window: int = WINDOW) -> int:
    """As `add_parts`, of one."""
    return add_parts(session, asset_id, [Piece(offset, length, key)], window)


def add_parts(session: Session, asset_id: str, pieces: Sequence[Piece], window: int = WINDOW) -> int:
    """Record bytes already stored, one piece behind the other; the new number of bytes received. Workers are woken for
    what can be made with them; the last part starts the processing.

    Raises: OffsetConflict.
    """
    offset, length = pieces[0].offset, sum(piece.length for piece in pieces)
    received: int | None = session.scalar(
        update(Asset)
        .where(Asset.id == asset_id, Asset.state == State.RECEIVING)
        .where(Asset.received == offset, Asset.size >= offset + length)
        .values(received=offset + length, touched_at=now(), speed=_speed(length))
        .returning(Asset.received)
        .execution_options(synchronize_session=False)
    )
    if received is None:
        raise OffsetConflict(f"{length} bytes at {offset}")
    session.add_all(Part(asset_id=asset_id, offset=one.offset, length=one.length, key=one.key) for one in pieces)
    asset = session.get_one(Asset, asset_id, populate_existing=True)
    if received == asset.size:
        asset.state = State.PROCESSING
        asset.completed_at = now()
        complete(session, asset, window)
    else:
        dispatch(session, asset, window)
    session.flush()
    return received


def _speed(length: int) -> ColumnElement[float | None]:
    """Bytes/s with `length` bytes more. Of a long silence, a pause, and of no time at all nothing is learnt."""
    waited = now() - Asset.touched_at
    sample = length / case((waited < _SHORTEST_S, _SHORTEST_S), else_=waited)
    smoothed = case((Asset.speed.is_(None), sample), else_=0.7 * Asset.speed + 0.3 * sample)
    return case((or_(waited > _PAUSE_S, waited < _SHORTEST_S), Asset.speed), else_=smoothed)


def progress(session: Session, asset: Asset) -> Progress:
    """Percent and time left: of the bytes that came and how fast while they come, of the work done and how long it
    took, waiting included. While both go on, the slower one decides when the film is ready.
    """
    rows = session.execute(
        select(Claim.done, Claim.weight, Claim.progress, Claim.started_at, Claim.needs).where(
            Claim.asset_id == asset.id, Claim.name != INGEST
        )
    ).all()
    playable = session.scalar(select(Output.id).where(*recorded(asset), Output.name.in_(_PLAYABLE)).limit(1))
    total = sum(row.weight for row in rows)
    made = sum(row.weight * (1 if row.done else min(1, row.progress)) for row in rows)
    started = min((row.started_at for row in rows if row.started_at), default=None)
    eta_s = None
    if asset.state in (State.RECEIVING, State.PROCESSING):
        left = total - made
        if asset.state is State.RECEIVING:  # who waits for bytes is not slow
            here = [row for row in rows if row.needs is not None and row.needs <= asset.received and not row.done]
            left = sum(row.weight * (1 - min(1, row.progress)) for row in here)
        if started and made >= _TELLING * total > 0:
            eta_s = max(0.0, (session.scalars(select(now())).one() - started) * left / made)
        percent = min(99, int(100 * made / total)) if total else 0
        if asset.state is State.RECEIVING:
            percent = int(100 * asset.received / max(1, asset.size))
            if asset.speed:
                eta_s = max(eta_s or 0.0, (asset.size - asset.received) / asset.speed)
    elif asset.state is State.FAILED:
        percent = min(99, int(100 * made / total)) if total else 0
    else:
        percent = 100 if asset.state is State.READY else 0
    return Progress(asset.state, percent, eta_s, playable is not None, asset.reason)


def outputs(session: Session, asset_id: str) -> list[Output]:
    """What was made by the asset's present recipe, by name."""
    asset = session.get_one(Asset, asset_id)
    return list(session.scalars(select(Output).where(*recorded(asset)).order_by(Output.name)))


def erase(session: Session, asset_id: str) -> None:
    """Forget an asset with all its rows at once. A sweeper is woken to remove its bytes, and looks again later: a
    worker may be storing at this very moment.
    """
    if session.execute(delete(Asset).where(Asset.id == asset_id).returning(Asset.id)).first():
        session.add(Erasure(asset_id=asset_id, erased_at=now()))
        ring(session, EXTRAS, "sweep", {})
        session.flush()


def retry(session: Session, asset_id: str) -> None:
    """Give a failed asset all its attempts again, at extras given up too; a ready one those at its extras. An asset
    that lacks nothing stays as it is.

    A failed one is measured again: what was decided may be what failed, or be of code from before an upgrade. What is
    already recorded stays if the same is decided.
    """
    asset = session.get_one(Asset, asset_id, with_for_update=True)
    failed = asset.state is State.FAILED
    if not failed and not (asset.state is State.READY and given_up(session, [asset_id])):
        return
    asset.state, asset.reason, asset.detail = State.PROCESSING, None, None
    asset.finished_at = asset.tidied_at = None
    begin_again(session, asset_id)
    if failed:
        decide_again(session, asset)
    else:
        dispatch(session, asset)
