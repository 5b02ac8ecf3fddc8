"""Sends a film as the technician's page does: its index ahead, then growing requests, as fast as possible or paced."""

import os
import struct
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

from workers.bench import tus_client

# As frontend/src/capture/pace.ts has them: the first and the largest request in bytes, and how long one should take.
_FIRST, _SMALLEST, _LARGEST, _ANSWER_S = 512 << 10, 256 << 10, 8 << 20, 4.0
_PIECE_S = 0.05  # a paced line takes bytes this often
_INDEX_BYTES = 16 << 20


class Phone(threading.Thread):
    """One upload on its way. `at(offset)` says when that byte had been sent; `ended` when the last had."""

    def __init__(self, server: tus_client.Server, film: Path, bytes_s: float | None = None) -> None:
        """`bytes_s`: the line, None for as fast as possible. Raises: tus_client.Refused."""
        super().__init__(daemon=True)
        self.size = film.stat().st_size
        self.url = tus_client.create(server, self.size, filename=film.name)
        self.error: Exception | None = None
        self.index_taken: bool | None = None  # None: the film has it in front, there is nothing to send ahead
        self._server, self._film, self._rate = server, film, bytes_s
        self._sent: list[int] = [0]
        self._times: list[float] = [time.monotonic()]
        self._parts = urlsplit(self.url)

    @property
    def ended(self) -> float | None:
        """When the last byte had been sent (s, monotonic); None before."""
        return self._times[-1] if self._sent[-1] == self.size else None

    def at(self, offset: int) -> float | None:
        """When everything before `offset` had been sent (s, monotonic); None before."""
        place = bisect_left(self._sent, offset)
        return self._times[place] if place < len(self._times) else None

    def run(self) -> None:
        """Send all of it; what went wrong is in `error`."""
        try:
            with self._film.open("rb") as file:
                self._send(file.fileno())
        except Exception as error:
            self.error = error

    def _send(self, film: int) -> None:
        line = HTTPConnection(self._parts.netloc, timeout=60)
        try:
            if (found := index(self._film)) is not None:
                offset, body = found
                headers = self._server.headers | {"Content-Type": "application/octet-stream", "Tus-Resumable": "1.0.0"}
                line.request("PUT", f"{self._parts.path}/index?offset={offset}", body, headers)
                self.index_taken = _answer(line).status == 204
            request, began = _FIRST, time.monotonic()
            while (offset := self._sent[-1]) < self.size:
                length, asked = min(request, self.size - offset), time.monotonic()
                headers = self._server.headers | {
                    "Tus-Resumable": "1.0.0",
                    "Upload-Offset": str(offset),
                    "Content-Type": "application/offset+octet-stream",
                    "Content-Length": str(length),
                }
                line.request("PATCH", self._parts.path, self._pieces(film, offset, length, began), headers)
                if (answer := _answer(line)).status != 204:
                    raise tus_client.Refused(f"PATCH at {offset}: {answer.status}")
                wanted = length / max(time.monotonic() - asked, 0.05) * _ANSWER_S
                request = round(min(_LARGEST, max(_SMALLEST, min(wanted, length * 4))))
        finally:
            line.close()

    def _pieces(self, film: int, offset: int, length: int, began: float) -> Iterator[bytes]:
        """The bytes of one request, each piece noted once the line has taken it."""
        end, size = offset + length, 1 << 18 if self._rate is None else int(self._rate * _PIECE_S)
        while offset < end:
            if self._rate is not None:
                time.sleep(max(0.0, began + offset / self._rate - time.monotonic()))
            piece = os.pread(film, min(size, end - offset), offset)
            yield piece
            offset += len(piece)
            self._times.append(time.monotonic())
            self._sent.append(offset)


def index(film: Path) -> tuple[int, bytes] | None:
    """Where a film's `moov` box begins and its bytes, if it lies behind the media; else None.

    Source: ISO/IEC 14496-12, 4.2 (boxes) and 8.2.1 (moov).
    """
    behind_media, at, size = False, 0, film.stat().st_size
    with film.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            head = file.read(16)
            length, kind = struct.unpack(">I4s", head[:8])
            if length == 1:
                (length,) = struct.unpack(">Q", head[8:16])
            elif length == 0:
                length = size - at
            if length < 8:
                return None
            if kind == b"moov":
                file.seek(at)
                return (at, file.read(length)) if behind_media and length <= _INDEX_BYTES else None
            behind_media |= kind == b"mdat"
            at += length
    return None


def _answer(line: HTTPConnection) -> HTTPResponse:
    answer = line.getresponse()
    answer.read()
    return answer
