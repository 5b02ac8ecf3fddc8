"""A film in fragments as an engine is shown it: its tables and just some fragments.

In the place of everything else it finds a box `free`, so that every byte shown is where it was. Summaries of the
fragments that stand elsewhere (`sidx`, `mfra`) are shown to nobody: they may lie. Source: ISO/IEC 14496-12, 8.16.
"""

import io
import os
import struct
from bisect import bisect_right
from pathlib import Path

from pipeline.fragments import Spans, boxes

SHOWN = {b"ftyp", b"moov", b"moof", b"mdat"}


class View(io.RawIOBase):
    """A film as an engine is shown it: its tables and the fragments in `spans`, each of which begins with a box (none:
    all). Everything else is a box `free`, so that every byte shown is where it was. Ends with what is shown last.
    """

    def __init__(self, path: Path, spans: Spans | None = None) -> None:
        self._file = path.open("rb")
        self._at = 0
        shown: list[tuple[int, int]] = []
        for start, end in spans if spans is not None else [(0, path.stat().st_size)]:
            for kind, at, after in boxes(self._file, start, end):
                if kind in SHOWN and shown and shown[-1][1] == at:
                    shown[-1] = (shown[-1][0], min(after, end))
                elif kind in SHOWN:
                    shown.append((at, min(after, end)))
        self.shown = tuple(shown)
        self.length = shown[-1][1] if shown else 0
        self._starts: list[int] = []
        self._pieces: list[bytes | None] = []  # None: the film's own bytes
        last = 0
        for start, end in shown:
            if start > last:
                head = _free(start - last)
                self._lay(last, head)
                if start > last + len(head):
                    self._lay(last + len(head), b"")
            self._lay(start, None)
            last = end

    def _lay(self, at: int, piece: bytes | None) -> None:
        self._starts.append(at)
        self._pieces.append(piece)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.length}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self.length if size < 0 else min(self.length, self._at + size)
        made = []
        while self._at < end:
            number = bisect_right(self._starts, self._at) - 1
            start, piece = self._starts[number], self._pieces[number]
            until = min(end, self._starts[number + 1] if number + 1 < len(self._starts) else end)
            wanted = until - self._at
            if piece is None:
                data = os.pread(self._file.fileno(), wanted, self._at)
                if not data:
                    break
            else:
                data = piece[self._at - start :][:wanted] or bytes(wanted)
            made.append(data)
            self._at += len(data)
        return b"".join(made)

    def close(self) -> None:
        self._file.close()
        super().close()


def _free(size: int) -> bytes:
    if size < 1 << 32:
        return struct.pack(">I4s", size, b"free")
    return struct.pack(">I4sQ", 1, b"free", size)


def copy(path: Path, spans: Spans, to: Path) -> Path:
    """Write the view of a film to a sparse file, for an engine that opens only files."""
    with View(path, spans) as view, to.open("wb") as file:
        file.truncate(view.length)
        last = 0
        for start, end in view.shown:
            if start > last:
                os.pwrite(file.fileno(), _free(start - last), last)
            view.seek(start)
            while view.tell() < end and (data := view.read(min(1 << 20, end - view.tell()))):
                os.pwrite(file.fileno(), data, view.tell() - len(data))
            last = end
    return to
