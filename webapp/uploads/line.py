"""A client's line, read without gunicorn's readers: those wait for ever, or cannot go on after they waited in vain."""

import os
import select
import socket
import ssl
from typing import Any

BLOCK = 1 << 20  # bytes of one read: large enough to be cheap, small enough to keep the clock honest
WORTH = 1 << 16  # bytes for which we are woken before the time is up: a phone's line brings them 1.4 kB at a time


class Line:
    """`read_into(room, wait_s)` says how many bytes came: None if none within `wait_s` s, 0 when the line is cut."""

    def __init__(self, connection: socket.socket, unreader: Any, patience_s: float) -> None:
        """`unreader` is gunicorn's, with what came early; `patience_s` is how long the connection waits at the end."""
        self._connection, self._unreader, self._patience_s = connection, unreader, patience_s
        self._is_plain = not isinstance(connection, ssl.SSLSocket)
        self._enough = 1
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)

    def read_into(self, room: memoryview, wait_s: float, enough: int = 1) -> int | None:
        """Put the next bytes at the beginning of `room`. `enough` bytes are surely to come: worth waiting for.

        Raises: OSError for a line that is reset.
        """
        if early := self._unreader.take_buffered():
            came = min(len(early), len(room))
            room[:came] = early[:came]
            self._unreader.unread(early[came:])  # for the next read, or the next request of a client in a hurry
            return came
        return self._plain(room, wait_s, enough) if self._is_plain else self._secured(room, wait_s)

    def give_back(self, data: bytes) -> None:
        """What was read and is of the next request."""
        self._unreader.unread(data)

    def close(self) -> None:
        """The connection as it was: what gunicorn reads from here on may be short."""
        if self._is_plain:
            self._wake_at(1)
        else:
            self._connection.settimeout(self._patience_s)

    def _plain(self, room: memoryview, wait_s: float, enough: int) -> int | None:
        self._wake_at(min(enough, WORTH))
        self._poll.poll(wait_s * 1000)
        try:
            # Not the socket's own method: that would wait for as much once more.
            return os.readv(self._connection.fileno(), [room[:BLOCK]])
        except BlockingIOError:
            return None

    def _secured(self, room: memoryview, wait_s: float) -> int | None:
        """Through TLS, which holds bytes back that no poll sees: it waits itself."""
        self._connection.settimeout(max(wait_s, 0.001))  # 0 would be another mode, with other errors
        try:
            return self._connection.recv_into(room[:BLOCK])
        except TimeoutError:
            return None

    def _wake_at(self, enough: int) -> None:
        """Have `poll` wait for so many bytes, or for the end of the line."""
        if enough != self._enough:
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, enough)
            self._enough = enough
