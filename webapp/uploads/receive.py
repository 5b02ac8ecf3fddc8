"""From the network into storage: bytes become a Part object, then a row, and only then count as received.

No transaction is open while the network or the storage is waited for. Between the two stands the fence: a request
whose place was taken over stores nothing more.
"""

import secrets
import time
from dataclasses import dataclass

from sqlalchemy import update

from pipeline.catalog import assets, keys
from pipeline.catalog.storage import Storage, StorageDown
from webapp.database import session
from webapp.uploads.body import Body
from webapp.uploads.models import Upload
from webapp.uploads.protocol import CHECKSUM_MISMATCH, Checksum, Refused
from webapp.uploads.turns import Turn
from workers.settings import Settings

TICK_S = 0.25  # how soon a waiting request notices that another wants its place

# On a slow network a full part may take minutes. What has arrived is stored earlier, so that progress is true and a cut
# costs little: after 3 s if it is worth an object (1 MiB), after 10 s in any case. That bounds a film to one object per
# MiB, or one every 10 s below 0.8 Mbit/s: 100 MB at 1 Mbit/s are 80 parts.
FLUSH_BYTES = 1 << 20
FLUSH_S = 3.0
FLUSH_ANYWAY_S = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where one request writes: an upload, from `offset` bytes on, as long as `fence` is the newest."""

    upload_id: str
    asset_id: str
    size: int
    offset: int
    fence: int
    expires_at: float


@dataclass(frozen=True, slots=True)
class _Piece:
    offset: int
    length: int
    key: str


class Receiver:
    """Stores one request's body. With a checksum nothing counts before all of it was seen and matched."""

    def __init__(self, place: Place, storage: Storage, settings: Settings, checksum: Checksum | None = None) -> None:
        self.place, self.storage, self.settings, self.checksum = place, storage, settings, checksum
        self.offset = place.offset  # bytes of the file that count as received
        self._stored: list[_Piece] = []  # stored, not yet counted
        self._buffer = bytearray()
        self._next = place.offset  # where the buffer begins in the file

    def take(self, body: Body, turn: Turn) -> int:
        """Read the body to its end, to a cut, or until another request wants the place; returns the new offset.

        Raises: Refused 413 for more bytes than the file has, 408 when nothing came for too long, 423 when another
        request took over, 460 when the checksum does not match. What counts as received stays received.
        """
        try:
            stalled = self._read(body, turn)
            if self.checksum:
                if not body.complete:
                    raise Refused(400, "the body ended early and cannot be checked; nothing of it was kept")
                if not self.checksum.matches():
                    raise Refused(CHECKSUM_MISMATCH, "the checksum does not match; nothing of this request was kept")
            self._store()
            self._count()
        except BaseException:
            self._forget()
            raise
        if stalled:
            raise Refused(408, f"no byte for {self.settings.upload_read_timeout_s:g} s", self._progress())
        if not body.complete and turn.wanted.is_set():
            raise Refused(423, "another request has taken over this upload", self._progress())
        return self.offset

    def _read(self, body: Body, turn: Turn) -> bool:
        """Fill and store parts; returns whether it ended because nothing came for too long."""
        stored_at = heard_at = time.monotonic()
        while True:
            data = body.read(0 if turn.wanted.is_set() else TICK_S)
            now = time.monotonic()
            if data:
                heard_at = now
                if self._next + len(self._buffer) + len(data) > self.place.size:
                    raise Refused(413, f"the body is longer than the rest of the file ({self.place.size} bytes)")
                self._buffer += data
                if self.checksum:
                    self.checksum.update(data)
            if data == b"" or (data is None and turn.wanted.is_set()):
                return False
            if now - heard_at > self.settings.upload_read_timeout_s:
                return True
            if self._is_due(now - stored_at):
                self._store()
                if not self.checksum:
                    self._count()
                stored_at = time.monotonic()

    def _is_due(self, waited_s: float) -> bool:
        waiting = len(self._buffer)
        return waiting > 0 and (
            waiting >= self.settings.part_bytes
            or (waited_s >= FLUSH_S and waiting >= FLUSH_BYTES)
            or waited_s >= FLUSH_ANYWAY_S
        )

    def _store(self) -> None:
        if not self._buffer:
            return
        key = keys.part(self.place.asset_id, self._next, secrets.token_hex(8))
        self._stored.append(_Piece(self._next, len(self._buffer), key))
        try:
            self.storage.put(key, bytes(self._buffer))
        except StorageDown as error:
            raise Refused(503, "the storage does not answer; try again", {"Retry-After": "5"}) from error
        self._next += len(self._buffer)
        self._buffer.clear()

    def _count(self) -> None:
        """One transaction: the fence still ours, the parts' rows, the asset's new length, and a later expiry."""
        if not self._stored:
            return
        still_ours = (
            update(Upload)
            .where(Upload.id == self.place.upload_id, Upload.fence == self.place.fence)
            .values(expires_at=time.time() + self.settings.upload_expiry_s)
        )
        if session.execute(still_ours).rowcount != 1:
            raise Refused(423, "another request has taken over this upload")
        received = self.offset
        for piece in self._stored:
            try:
                received = assets.add_part(
                    session(), self.place.asset_id, offset=piece.offset, length=piece.length, key=piece.key
                )
            except assets.OffsetConflict as error:
                raise Refused(409, "the upload is at another offset; ask with HEAD") from error
        self._stored.clear()  # from here on a row may name them, even if the commit's answer is lost
        session.commit()
        self.offset = received

    def _forget(self) -> None:
        """Undo what was begun, and remove the objects that no row will ever name."""
        session.rollback()
        for piece in self._stored:
            try:
                self.storage.delete(piece.key)
            except StorageDown:  # the sweeper finds what no row names
                break
        self._stored.clear()

    def _progress(self) -> dict[str, str]:
        return {"Upload-Offset": str(self.offset)}
