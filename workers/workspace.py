"""A folder for one attempt: the original with just the bytes the work needs, and an empty place for what is made."""

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.catalog.storage import NotStored, Piece, Storage
from workers.started import Started

SPARE_BYTES = 2**28  # left free for what is made
_YOUNG_S = 2  # since a folder was made: whoever made it may not have locked it yet


class Room:
    """A locked folder for attempts at one film: in `given` lies what its child may read, in `out` what it makes. Where
    a child waits in it, what that made is in `made` at the end, out of its reach. `close` removes it.
    """

    def __init__(self, root: Path) -> None:
        """Raises: OSError."""
        root.mkdir(parents=True, exist_ok=True)
        self.waiting: Started | None = None
        self._folder = tempfile.TemporaryDirectory(dir=root, prefix="attempt-", ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self.given, self.out, self.made = self.path / "in", self.path / "out", self.path / "made"
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX)  # for as long as this process lives and works in it
            self.path.chmod(0o711)  # the child is another user, and finds its files by name only
            self.given.mkdir()
            self.given.chmod(0o755)  # whatever the umask: it is shown to that user
            self.out.mkdir()
            self.made.mkdir(0o700)
        except BaseException:
            self.close()
            raise

    def clear(self) -> None:
        """Make room for another job. Raises: OSError."""
        for path in (*self.given.iterdir(), *self.made.iterdir()):
            path.unlink()

    def close(self) -> None:
        """Kill the child that waits in it, and remove it."""
        if self.waiting is not None:
            self.waiting.close()
        os.close(self._lock)
        self._folder.cleanup()


@dataclass(frozen=True, slots=True)
class Workspace:
    """`inputs` as the child is given them: `input`, and `watermark` where there is one. `room` is for what else lives
    as long as the attempt. `waiting` is a child that is to be handed the job."""

    inputs: dict[str, Path]
    out: Path
    room: Path
    waiting: Started | None = None


@contextmanager
def workspace(
    root: Path,
    storage: Storage,
    *,
    size: int,
    pieces: Sequence[Piece],
    ranges: Sequence[Sequence[int]] | None,
    watermark_key: str | None = None,
    check: Callable[[], None] = lambda: None,
    room: Room | None = None,
    leave: Callable[[Room], None] = Room.close,
) -> Iterator[Workspace]:
    """Fetch the bytes in `ranges` (none: all) into a sparse file of `size` bytes, in `room` (none: a new one), which is
    removed at the end; where all went well, `leave` does with it what it will.

    `check` is called between blocks and may raise. Raises: NotStored, StorageDown, OSError (ENOSPC: before
    anything is fetched).
    """
    place = room or Room(root)
    with ExitStack() as stack:
        stack.callback(place.close)
        wanted = _joined([(start, min(end, size)) for start, end in (ranges if ranges is not None else [(0, size)])])
        _ensure_room(root, sum(max(0, end - start) for start, end in wanted))
        inputs = {"input": place.given / "input"}
        with inputs["input"].open("wb") as file:
            file.truncate(size)
            for start, end in wanted:
                _ensure_stored(pieces, start, end)
                _fetch(storage, file.fileno(), pieces, start, end, check)
        if watermark_key is not None:
            inputs["watermark"] = place.given / "watermark"
            inputs["watermark"].write_bytes(storage.get(watermark_key))
        for path in inputs.values():
            path.chmod(0o644)
        yield Workspace(inputs, place.made if place.waiting else place.out, place.path, place.waiting)
        stack.pop_all()
        leave(place)


def remove_abandoned(root: Path) -> int:
    """Remove folders whose process was killed; how many. Cheap where there is none."""
    removed = 0
    for folder in root.glob("attempt-*") if root.is_dir() else ():
        try:
            if time.time() - folder.stat().st_mtime < _YOUNG_S:
                continue
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
        except BlockingIOError:
            pass  # somebody works there
        finally:
            os.close(handle)
    return removed


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, and every byte once."""
    made: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return made


def _ensure_stored(pieces: Sequence[Piece], start: int, end: int) -> None:
    """Nobody may take a hole for the film's own zeros."""
    for piece in sorted(pieces, key=lambda piece: piece.offset):
        if piece.offset <= start < piece.offset + piece.length:
            start = piece.offset + piece.length
    if start < end:
        raise NotStored(f"the bytes from {start} to {end} have not arrived")


def _ensure_room(root: Path, needed: int) -> None:
    free = shutil.disk_usage(root).free
    if free < needed + SPARE_BYTES:
        raise OSError(
            errno.ENOSPC, f"{needed} bytes and {SPARE_BYTES} to spare are needed in the work folder, {free} are free"
        )


def _fetch(
    storage: Storage, file: int, pieces: Sequence[Piece], start: int, end: int, check: Callable[[], None]
) -> None:
    for piece in pieces:
        first, last = max(start, piece.offset), min(end, piece.offset + piece.length)
        at = first
        if first >= last:
            continue
        for block in storage.read(piece.key, first - piece.offset, last - piece.offset):
            check()
            os.pwrite(file, block, at)
            at += len(block)
        if at != last:
            raise NotStored(f"{piece.key}: {at - first} bytes where {last - first} were stored")
