"""A body in chunks, taken apart as its bytes come: it can stop anywhere, and goes on when more of them are here.

gunicorn's own reader is a generator, which ends with the first wait that was too long for it. Source: RFC 9112, 7.1.
"""

import re
from enum import Enum, auto

LINE_BYTES = 8190  # of the line before a chunk, as gunicorn allows; of all trailers together too
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[\t ]*;[\t -~\x80-\xff]*)?")
_TRAILER = re.compile(rb"[\t -~\x80-\xff]*")


class Malformed(Exception):
    """No chunked body: where it ends, and where another request begins, nobody can say."""


class _Next(Enum):
    SIZE = auto()
    DATA = auto()
    END_OF_DATA = auto()
    TRAILER = auto()
    NOTHING = auto()


class Chunks:
    """`feed` it what the line brings, and `take_into` what is of the body; `rest` is what came behind its end."""

    def __init__(self) -> None:
        self.rest = bytearray()  # what was fed and not gone over yet
        self._next = _Next.SIZE
        self._left = 0  # bytes of this chunk that are still to be taken
        self._trailers = 0  # bytes

    @property
    def ended(self) -> bool:
        return self._next is _Next.NOTHING

    @property
    def needs(self) -> int:
        """So many bytes must still come, at least."""
        return self._left + 2 if self._next is _Next.DATA else 1

    def feed(self, data: bytes | memoryview) -> None:
        self.rest += data

    def take_into(self, room: memoryview) -> int:
        """Put bytes of the body at the beginning of `room`; 0 when more must be fed, and at the end.

        Raises: Malformed.
        """
        while self._next is not _Next.DATA:
            if not self._step():
                return 0
        came = min(self._left, len(self.rest), len(room))
        room[:came] = self.rest[:came]
        del self.rest[:came]
        self._left -= came
        if not self._left:
            self._next = _Next.END_OF_DATA
        return came

    def _step(self) -> bool:
        """Go over one line between the data; False where it is not whole yet."""
        if self.ended:
            return False
        end = self.rest.find(b"\r\n")
        if end < 0:
            if len(self.rest) > (2 if self._next is _Next.END_OF_DATA else LINE_BYTES):
                raise Malformed("a line without an end")
            return False
        line = bytes(self.rest[:end])
        del self.rest[: end + 2]
        if self._next is _Next.SIZE:
            self._begin(line)
        elif self._next is _Next.END_OF_DATA:
            if line:
                raise Malformed("a chunk longer than it said")
            self._next = _Next.SIZE
        else:
            self._pass_over(line)
        return True

    def _begin(self, line: bytes) -> None:
        said = _SIZE.fullmatch(line)
        if said is None:
            raise Malformed("a chunk that does not say its size")
        self._left = int(said[1], 16)
        self._next = _Next.DATA if self._left else _Next.TRAILER

    def _pass_over(self, trailer: bytes) -> None:
        """Nothing is read out of trailers. The body ends with an empty one."""
        self._trailers += len(trailer)
        if not _TRAILER.fullmatch(trailer) or self._trailers > LINE_BYTES:
            raise Malformed("trailers that are none, or too long")
        if not trailer:
            self._next = _Next.NOTHING
