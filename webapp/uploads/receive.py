"""From the network into storage: bytes become a Part object, then a row, and only then count as received.

No transaction is open while the network or the storage is waited for. Between the two stands the fence: a request
whose place was taken over stores nothing more.
"""

import time
from dataclasses import dataclass

from sqlalchemy import update

from pipeline.catalog import assets
from pipeline.catalog.storage import Storage, StorageDown
from webapp.database import session
from webapp.uploads.body import Body
from webapp.uploads.models import Upload
from webapp.uploads.protocol import CHECKSUM_MISMATCH, Checksum, Refused
from webapp.uploads.shelf import Shelf
from webapp.uploads.turns import Turn
from workers.settings import Settings

TICK_S = 0.25  # how soon a waiting request notices that another wants its place
STORING_TICK_S = 0.02  # and that a piece has been stored and can be counted
COUNT_S = 0.2  # on a fast line several pieces are counted in one transaction: each costs a sync of the database

# On a slow network a full part may take minutes. What has arrived is stored earlier, so that progress is true, a cut
# costs little and a film is made while it comes: after 1 s if it is worth an object (1 MiB), after 10 s in any case.
# That bounds a film to one object per MiB, or one every 10 s below 0.8 Mbit/s: 100 MB at 1 Mbit/s are 80 parts.
FLUSH_BYTES = 1 << 20
FLUSH_S = 1.0
FLUSH_ANYWAY_S = 10.0

TAKEN_OVER = "another request has taken over this upload"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one request writes: an upload, from `offset` bytes on, as long as `fence` is the newest."""

    upload_id: str
    asset_id: str
    size: int
    offset: int
    fence: int
    expires_at: float


class Receiver:
    """Stores one request's body. With a checksum nothing counts before all of it was seen and matched."""

    def __init__(self, place: Place, storage: Storage, settings: Settings, checksum: Checksum | None = None) -> None:
        self.place, self.settings, self.checksum = place, settings, checksum
        self.offset = place.offset  # bytes of the file that count as received
        self._shelf = Shelf(storage, place.asset_id, place.offset, settings.part_bytes)

    def take(self, body: Body, turn: Turn) -> int:
        """Read the body to its end, to a cut, or until another request wants the place; returns the new offset.

        Raises: Refused 413 for more bytes than the file has, 408 when nothing came for too long, 423 when another
        request took over, 460 when the checksum does not match. What counts as received stays received.
        """
        try:
            why = self._why_unfinished(body, turn, stalled=self._read(body, turn))
            if self.checksum:
                self._require_match(self.checksum, body, why)
            self._shelf.finish()
            self._count()
        except BaseException as error:
            session.rollback()
            self._shelf.drop()
            if isinstance(error, StorageDown):
                raise Refused(503, "the storage does not answer; try again", {"Retry-After": "5"}) from error
            raise
        finally:
            self._shelf.close()
        if why:
            raise Refused(*why, self._progress())
        return self.offset

    def _why_unfinished(self, body: Body, turn: Turn, *, stalled: bool) -> tuple[int, str] | None:
        """Status and sentence of a request that did not come to its end; None where it did, or was cut."""
        if stalled:
            return 408, f"no byte for {self.settings.upload_read_timeout_s:g} s"
        if not body.complete and turn.wanted.is_set():
            return 423, TAKEN_OVER
        return None

    def _require_match(self, checksum: Checksum, body: Body, why: tuple[int, str] | None) -> None:
        """All of the body was seen, and is what was promised; else nothing of it counts.

        Raises: Refused 400, 408, 423, 460.
        """
        if not body.complete:
            status, sentence = why or (400, "the body ended early")
            raise Refused(status, f"{sentence}; with a checksum nothing of it was kept", self._progress())
        if not checksum.matches():
            raise Refused(CHECKSUM_MISMATCH, "the checksum does not match; nothing of this request was kept")

    def _read(self, body: Body, turn: Turn) -> bool:
        """Fill and store parts; returns whether it ended because nothing came for too long."""
        shelf = self._shelf
        stored_at = counted_at = heard_at = time.monotonic()
        while True:
            wait_s = 0 if turn.wanted.is_set() else STORING_TICK_S if shelf.is_busy else TICK_S
            room = shelf.room
            taken = body.read_into(room, wait_s)
            now = time.monotonic()
            if taken:
                heard_at = now
                if shelf.next + shelf.waiting + taken > self.place.size:
                    raise Refused(413, f"the body is longer than the rest of the file ({self.place.size} bytes)")
                if self.checksum:
                    self.checksum.update(room[:taken])
                shelf.took(taken)
            if taken == 0 or (taken is None and turn.wanted.is_set()):
                return False
            if now - heard_at > self.settings.upload_read_timeout_s:
                return True
            if self._is_due(now - stored_at):
                shelf.store()
                stored_at = time.monotonic()
            if shelf.look() and not self.checksum and now - counted_at > COUNT_S:
                self._count()
                counted_at = time.monotonic()

    def _is_due(self, waited_s: float) -> bool:
        waiting = self._shelf.waiting
        return waiting > 0 and (
            self._shelf.is_full or (waited_s >= FLUSH_S and waiting >= FLUSH_BYTES) or waited_s >= FLUSH_ANYWAY_S
        )

    def _count(self) -> None:
        """One transaction: the fence still ours, the parts' rows, the asset's new length, and a later expiry."""
        if not self._shelf.stored:
            return
        still_ours = (
            update(Upload)
            .where(Upload.id == self.place.upload_id, Upload.fence == self.place.fence)
            .values(expires_at=time.time() + self.settings.upload_expiry_s)
            .execution_options(synchronize_session=False)
        )
        if session.execute(still_ours).rowcount != 1:
            raise Refused(423, TAKEN_OVER)
        try:
            received = assets.add_parts(session(), self.place.asset_id, self._shelf.stored, self.settings.window)
        except assets.OffsetConflict as error:
            raise Refused(409, "the upload is at another offset; ask with HEAD") from error
        self._shelf.stored.clear()  # from here on a row may name them, even if the commit's answer is lost
        session.commit()
        self.offset = received

    def _progress(self) -> dict[str, str]:
        return {"Upload-Offset": str(self.offset)}
