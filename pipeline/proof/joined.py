"""Files one behind the other, as a player joins them: for `chunks`, which opens a rendition without holding it."""

import io
import os
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any


class Joined(io.RawIOBase):
    """The bytes of several files; of these one is open at a time."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._starts = [0, *accumulate(path.stat().st_size for path in paths)]
        self._at = 0
        self._open: tuple[int, io.FileIO] | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._starts[-1]}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fills `buffer` up to the end of a file at the most; 0 is the end of all."""
        number = bisect_right(self._starts, self._at) - 1
        if number >= len(self._paths):
            return 0
        file = self._file(number)
        file.seek(self._at - self._starts[number])
        count = file.readinto(buffer) or 0
        self._at += count
        return count

    def _file(self, number: int) -> io.FileIO:
        if self._open is None or self._open[0] != number:
            self._let_go()
            self._open = number, io.FileIO(self._paths[number])
        return self._open[1]

    def _let_go(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def close(self) -> None:
        self._let_go()
        super().close()
