"""The bytes of a request as the network delivers them, into the caller's buffer, with a say in how long to wait.

gunicorn's own reader can wait for ever and cannot be resumed after a timeout, so bytes are taken from its socket
directly. Any other server, a line of TLS, and a body without a length are read through the ordinary WSGI stream.
"""

import os
import select
import socket
import ssl
from types import TracebackType
from typing import Any, Self

from gunicorn.http.errors import ParseException

BLOCK = 1 << 20  # bytes of one read: large enough to be cheap, small enough to keep the clock honest
SMALL = 1 << 14  # bytes of one read where a read waits for all of them: what a cut may cost
WORTH = 1 << 16  # bytes for which we are woken before the time is up: a phone's line brings them 1.4 kB at a time


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
        self._socket = None
        connection = environ.get("gunicorn.socket")
        if connection is not None:
            connection.settimeout(patience_s)
        # gunicorn: a body of known length has a reader that counts what is left and an unreader with what came early.
        reader = getattr(self._stream, "reader", None)
        if (
            connection
            and not isinstance(connection, ssl.SSLSocket)
            and length is not None
            and hasattr(reader, "length")
            and hasattr(reader.unreader, "take_buffered")
        ):
            self._socket, self._reader = connection, reader
            self._poll = select.poll()
            self._poll.register(self._socket, select.POLLIN)
            self._enough = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._socket:
            self._wake_at(1)  # what gunicorn reads from here on may be short

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
            came = self._from_socket(room, wait_s) if self._socket else self._from_stream(room)
        except (OSError, ParseException):  # reset, closed, or a malformed chunk: the rest will never come
            self._failed, came = True, 0
        if came is None:
            return None
        self.taken += came
        self.ended = not came
        return came

    def _from_stream(self, room: memoryview) -> int:
        left = min(SMALL, len(room))
        data = self._stream.read(left if self.length is None else min(left, self.length - self.taken))
        room[: len(data)] = data
        return len(data)

    def _from_socket(self, room: memoryview, wait_s: float) -> int | None:
        most = min(self._reader.length, len(room))
        early = self._reader.unreader.take_buffered()
        if early:
            came = min(len(early), most)
            room[:came] = early[:came]
            self._reader.unreader.unread(early[came:])  # for the next read, or the next request of a client in a hurry
        else:
            self._wake_at(min(most, WORTH))
            self._poll.poll(wait_s * 1000)
            try:
                # Not the socket's own method: that would wait for as much once more.
                came = os.readv(self._socket.fileno(), [room[: min(most, BLOCK)]])  # type: ignore[union-attr]
            except BlockingIOError:
                return None
        self._reader.length -= came  # gunicorn drains what is left before it reuses the connection
        return came

    def _wake_at(self, enough: int) -> None:
        """Have `poll` wait for so many bytes, or for the end of the line."""
        if enough != self._enough:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, enough)  # type: ignore[union-attr]
            self._enough = enough
