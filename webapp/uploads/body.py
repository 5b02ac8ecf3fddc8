"""The bytes of a request as the network delivers them, into the caller's buffer, with a say in how long to wait.

Under gunicorn, bytes are taken from the client's line directly (`line`), whether the body says its length or comes in
chunks (`chunks`). Any other server is read through the ordinary WSGI stream, which decides itself how long it waits.
"""

from types import TracebackType
from typing import Any, Self

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import ParseException

from webapp.uploads.chunks import Chunks, Malformed
from webapp.uploads.line import Line

SMALL = 1 << 14  # bytes of one read where a read waits for all of them: what a cut may cost
SCRATCH = 1 << 16  # bytes of one read where chunks are to be taken apart


class Body:
    """`read_into(room, wait_s)` says how many bytes came: None if none within `wait_s` s, 0 at the end or at a cut.

    Use it as a context: at its end the connection is as it was.
    """

    def __init__(self, environ: dict[str, Any], length: int | None, patience_s: float) -> None:
        """`patience_s`: how long one read may wait where we cannot wait ourselves."""
        self.length = length  # bytes announced, None for a chunked body
        self.taken = 0  # bytes read so far
        self.ended = False  # nothing more will come: complete, or cut
        self._failed = False
        self._stream = environ["wsgi.input"]
        self._line: Line | None = None
        self._chunks: Chunks | None = None
        connection = environ.get("gunicorn.socket")
        if connection is None:
            return
        connection.settimeout(patience_s)
        # gunicorn: a body has a reader that knows what is left, and an unreader with what came early.
        self._reader = getattr(self._stream, "reader", None)
        is_chunked = length is None and isinstance(self._reader, ChunkedReader)
        unreader = getattr(self._reader.req if is_chunked else self._reader, "unreader", None)
        is_counted = length is not None and hasattr(self._reader, "length")
        if hasattr(unreader, "take_buffered") and (is_chunked or is_counted):
            self._line = Line(connection, unreader, patience_s)
            if is_chunked:
                self._chunks, self._scratch = Chunks(), memoryview(bytearray(SCRATCH))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._line:
            self._line.close()
        if self._chunks and not self._chunks.ended:
            self._stream.failed = True  # gunicorn: where the next request begins is not known, so there is none

    @property
    def complete(self) -> bool:
        """Everything that was announced has been read."""
        return self.taken == self.length if self.length is not None else self.ended and not self._failed

    def read_into(self, room: memoryview, wait_s: float) -> int | None:
        """Put the next bytes at the beginning of `room`, which is not empty."""
        if self.ended or self.taken == self.length:
            self.ended = True
            return 0
        try:
            came = self._read(room, wait_s)
        except (OSError, ParseException, Malformed):  # reset, closed, or a malformed chunk: the rest will never come
            self._failed, came = True, 0
        if came is None:
            return None
        self.taken += came
        self.ended = not came
        return came

    def _read(self, room: memoryview, wait_s: float) -> int | None:
        if self._line is None:
            return self._from_stream(room)
        if self._chunks is not None:
            return self._from_chunks(self._line, self._chunks, room, wait_s)
        left: int = self._reader.length
        came = self._line.read_into(room[:left], wait_s, min(left, len(room)))
        self._reader.length -= came or 0  # gunicorn drains what is left before it reuses the connection
        return came

    def _from_chunks(self, line: Line, chunks: Chunks, room: memoryview, wait_s: float) -> int | None:
        while not (taken := chunks.take_into(room)) and not chunks.ended:
            came = line.read_into(self._scratch, wait_s, chunks.needs)
            if came is None:
                return None
            if not came:
                raise ConnectionResetError("the body was cut")
            chunks.feed(self._scratch[:came])
            wait_s = 0  # whoever sends a line between chunks in crumbs does not keep us here
        if chunks.ended:
            self._reader.parser = None  # gunicorn: its reader has nothing more to read
            line.give_back(bytes(chunks.rest))
            chunks.rest.clear()
        return taken

    def _from_stream(self, room: memoryview) -> int:
        left = min(SMALL, len(room))
        data = self._stream.read(left if self.length is None else min(left, self.length - self.taken))
        room[: len(data)] = data
        return len(data)
