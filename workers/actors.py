"""The crew's actors, as `dramatiq workers.actors` runs them. A message only wakes; the rows say what to do: whatever
is most urgent in the message's queue (`pipeline.catalog.turn`), which may be another's.

ingest   bytes → child: measure → plan
make     just the bytes one output needs → child: make and prove → objects → row
sweep    the bytes of what was erased go
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import dramatiq
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from pipeline.catalog import assets, keys
from pipeline.catalog.models import INGEST, Asset, Claim, Part
from pipeline.catalog.plans import HEAD_BYTES
from pipeline.catalog.storage import NotStored, Piece
from pipeline.errors import EngineFailed, PipelineFailed, PlanOutdated
from workers import broker, child, hardware, sandbox
from workers.attempt import Attempt, attempt
from workers.child import Cancelled
from workers.connections import objects, reading
from workers.queues import NICE
from workers.settings import settings
from workers.standby import keeper
from workers.sweep import clear
from workers.unit import stopping
from workers.workspace import Workspace, workspace

# What a child says its files are is checked like everything else it says: no page, no script, nothing unknown.
SERVED = frozenset({
    "application/pdf", "audio/mp4", "image/jpeg", "image/png", "image/webp", "text/vtt", "video/iso.segment",
    "video/mp4",
})  # fmt: skip

log = structlog.get_logger("walkaround.actors")

broker.for_workers()


@dramatiq.actor(actor_name="ingest", queue_name="express")  # type: ignore[untyped-decorator]
def ingest(asset_id: str) -> None:
    """Measure what arrived and decide everything that should exist."""
    attempt(asset_id, INGEST, _work)


@dramatiq.actor(actor_name="make", queue_name="film")  # type: ignore[untyped-decorator]
def make(asset_id: str, name: str) -> None:
    """Make one output of the plan."""
    attempt(asset_id, name, _work)


@dramatiq.actor(actor_name="sweep", queue_name="later")  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Remove at once what was just erased; what a lost message leaves, the clock finds."""
    clear(stopping.is_set)


@dataclass(frozen=True, slots=True)
class _Task:
    """What the rows say about one attempt."""

    asset: Asset
    pieces: tuple[Piece, ...]
    ranges: list[list[int]] | None
    queue: str
    hint: Piece | None

    @classmethod
    def read(cls, lease: assets.Lease) -> "_Task":
        with reading() as session:
            whole = select(Asset).options(undefer(Asset.source), undefer(Asset.plan))
            asset = session.scalars(whole.where(Asset.id == lease.asset_id)).one_or_none()
            rows = session.scalars(select(Part).where(Part.asset_id == lease.asset_id).order_by(Part.offset))
            pieces = tuple(Piece(row.offset, row.length, row.key) for row in rows)
            mine = select(Claim.ranges, Claim.queue).where(Claim.asset_id == lease.asset_id, Claim.name == lease.name)
            row = session.execute(mine).one_or_none()
        if asset is None or row is None:  # erased since it was claimed
            raise Cancelled
        hint = None
        if asset.hint_key and asset.hint_offset is not None and asset.hint_length is not None:
            hint = Piece(asset.hint_offset, asset.hint_length, asset.hint_key)
        return cls(asset, pieces, row.ranges, row.queue, hint)

    @property
    def is_whole(self) -> bool:
        return self.asset.received == self.asset.size

    def present(self) -> list[list[int]]:
        """The bytes that are here of those this attempt is given, of a film that was still arriving when it began."""
        here = [[start, min(end, self.asset.received)] for start, end in self.ranges or [[0, HEAD_BYTES]]]
        ahead = [[self.hint.offset, self.hint.offset + self.hint.length]] if self.hint else []
        return [[start, end] for start, end in here + ahead if start < end]

    def limits(self, usual: sandbox.Limits | None = None) -> sandbox.Limits:
        """What its child may use: of this machine's cores, first whoever is waited for."""
        return replace(usual or sandbox.Limits.of(settings()), nice=NICE.get(self.queue, 0))

    def workspace(
        self, current: Attempt, ranges: list[list[int]] | None, limits: sandbox.Limits
    ) -> AbstractContextManager[Workspace]:
        return workspace(
            settings().work_dir,
            objects(),
            size=self.asset.size,
            # What really came is laid over what was said to come.
            pieces=(self.hint, *self.pieces) if self.hint and not self.is_whole else self.pieces,
            ranges=ranges,
            watermark_key=None if current.lease.name == INGEST else self.asset.watermark_key,
            check=current.check,
            room=keeper.take(self.asset.id, limits),
            leave=partial(keeper.keep, self.asset.id),
        )


def _work(current: Attempt) -> None:
    task = _Task.read(current.lease)
    try:
        (_measure if current.lease.name == INGEST else _make)(current, task)
    except NotStored:
        if task.is_whole or task.hint is None:
            raise
        # The index was replaced while we looked, or is gone: the film itself will tell.
        if not current.record(lambda session: assets.wait(session, current.lease, None, window=settings().window)):
            current.lose()


def _measure(current: Attempt, task: _Task) -> None:
    present = task.present() if current.lease.early else None
    job = {
        "verb": "measure",
        "bytes": task.asset.size,
        "preset": task.asset.preset,
        "watermark": task.asset.watermark_key is not None,
        "present": present,
    }
    if present is not None and task.asset.plan is not None:
        job["known"] = {"source": task.asset.source, "plan": task.asset.plan}
    with task.workspace(current, present, task.limits()) as place:
        held = present is not None or task.hint is None or _came(task.hint, place.inputs["input"])
        result = _run(current, job, place, task.limits())
    # What was made early stays good only if it may go on with the encoder it was made by.
    result = hardware.decided(result, task.asset.preset, task.asset.plan)

    def decide(session: Session) -> bool:
        if "later" in result:
            asked = _unknown(result["later"], present or [])
            return assets.wait(session, current.lease, asked, window=settings().window)
        return assets.plan(session, current.lease, result, hint_held=held, window=settings().window)

    if not current.record(decide):
        current.lose()


def _run(current: Attempt, job: dict[str, Any], place: Workspace, limits: sandbox.Limits) -> dict[str, Any]:
    """What a child answers to the job. Raises: as `child.run`."""
    answer = child.run(
        job,
        inputs=place.inputs,
        out=place.out,
        room=place.room,
        waiting=place.waiting,
        limits=limits,
        on_progress=current.on_progress,
        cancelled=current.cancelled,
    )
    return dict(answer["result"])


def _came(hint: Piece, film: Path) -> bool:
    """Whether the film, now that all of it is here, holds what was sent ahead."""
    with film.open("rb") as file:
        file.seek(hint.offset)
        try:
            return all(file.read(len(block)) == block for block in objects().read(hint.key))
        except NotStored:
            return False


def _unknown(asked: list[list[int]] | None, present: list[list[int]]) -> list[list[int]] | None:
    """What a child asks for first, unless it was given all of it: then only the whole file is worth another look."""
    given = asked and all(any(start <= first and last <= end for start, end in present) for first, last in asked)
    return None if given else asked


def _make(current: Attempt, task: _Task) -> None:
    job = {"verb": "make", "name": current.lease.name, "source": task.asset.source, "plan": task.asset.plan}
    prefix = keys.output_prefix(current.lease.asset_id, str(task.asset.recipe), current.lease.fence, current.lease.name)
    limits = task.limits(hardware.limits(task.asset.plan, current.lease.name))
    with task.workspace(current, task.ranges, limits) as place:
        try:
            result = _run(current, job, place, limits)
        except PlanOutdated as error:
            return _measure_again(current, error)
        except PipelineFailed as error:
            return _without_card(current, task.asset, error)
        try:
            _publish(current, prefix, place.out, result)
        except Cancelled:
            objects().delete_prefix(prefix)  # no row will ever name it
            raise


def _measure_again(current: Attempt, error: PlanOutdated) -> None:
    """What this code cannot read, it decides anew."""
    limits, detail = settings(), f"{current.lease.name}: {error}"
    log.warning("plan.outdated", asset_id=current.lease.asset_id, detail=detail)

    def decide_again(session: Session) -> bool:
        how = {"max_attempts": limits.max_attempts, "window": limits.window}
        return assets.outdated(session, current.lease, detail=detail, **how)

    if not current.record(decide_again):
        current.lose()


def _without_card(current: Attempt, asset: Asset, error: PipelineFailed) -> None:
    """Decide again, for x264, where `error` may be the graphics card's.

    Raises: `error` where it cannot be.
    """
    measured = {"kind": asset.kind, "recipe": asset.recipe, "source": asset.source, "plan": asset.plan}
    again = hardware.instead(measured, error)
    if again is None:
        raise error
    if not current.record(lambda session: assets.plan(session, current.lease, again, window=settings().window)):
        current.lose()


def _publish(current: Attempt, prefix: str, out: Path, result: dict[str, Any]) -> None:
    """Objects first, then the row: what a row names is there."""
    for file in result["files"]:
        if file["content_type"] not in SERVED:
            raise EngineFailed(f"{file['path']}: {file['content_type']!r} is no type we serve")
        current.check()
        objects().put_file(keys.file(prefix, file["path"]), out / file["path"], file["content_type"])

    def publish(session: Session) -> bool:
        made = {"prefix": prefix, "files": result["files"], "facts": result["facts"]}
        return assets.publish(session, current.lease, **made, window=settings().window)

    published = current.record(publish)
    if not published:
        current.lose()
