"""Objects as files of a folder."""

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from mmap import PAGESIZE
from pathlib import Path
from typing import BinaryIO

from pipeline.catalog.storage import BLOCK, NotStored, StorageDown, Stored

_DRAFT_S = 86400  # no write takes a day
_STRAIGHT = 4 << 20  # bytes; a line that brings less in a second leaves it in memory for whoever works on it


class Folder:
    """Each object is written beside its place, synced, and renamed: after a power cut it is whole or absent."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._drafts = root / ".drafts"
        for draft in self._drafts.glob("*"):  # what a killed process left half written
            with suppress(FileNotFoundError):
                if draft.stat().st_mtime < time.time() - _DRAFT_S:
                    draft.unlink()

    def put(
        self,
        key: str,
        data: bytes | memoryview,
        content_type: str = "application/octet-stream",  # noqa: ARG002
    ) -> None:
        self._write(key, lambda file: _write_all(file.fileno(), memoryview(data)))

    def put_file(self, key: str, path: Path, content_type: str = "application/octet-stream") -> None:  # noqa: ARG002
        with path.open("rb") as source:
            self._write(key, lambda file: shutil.copyfileobj(source, file, BLOCK))

    def get(self, key: str) -> bytes:
        with _translated(key):
            return self._path(key).read_bytes()

    def read(self, key: str, start: int = 0, end: int | None = None, block: int = BLOCK) -> Iterator[bytes]:
        with _translated(key):
            file = self._path(key).open("rb")
        return _blocks(key, file, start, end, block)

    def stat(self, key: str) -> Stored:
        with _translated(key):
            found = self._path(key).stat()
        return Stored(key, found.st_size, found.st_mtime)

    def list(self, prefix: str) -> Iterator[Stored]:
        for folder, _, names in os.walk(self._folder(prefix)):
            if Path(folder) == self._drafts:
                continue
            for name in names:
                path = Path(folder, name)
                try:
                    found = path.stat()
                except FileNotFoundError:  # deleted while we walked
                    continue
                yield Stored(path.relative_to(self.root).as_posix(), found.st_size, found.st_mtime)

    def delete(self, key: str) -> None:
        with _translated(key):
            self._path(key).unlink(missing_ok=True)

    def delete_prefix(self, prefix: str) -> None:
        folder = self._folder(prefix)
        for _ in range(3):  # somebody may be writing into it
            try:
                shutil.rmtree(folder)
            except FileNotFoundError:
                return
            except OSError:
                continue
        with _translated(prefix):
            if folder.exists():
                shutil.rmtree(folder)

    def _write(self, key: str, write: Callable[[BinaryIO], None]) -> None:
        target = self._path(key)
        draft = self._drafts / secrets.token_hex(12)
        try:
            self._drafts.mkdir(parents=True, exist_ok=True)
            try:
                with draft.open("xb") as file:
                    write(file)
                    file.flush()
                    os.fsync(file.fileno())
                self._settle(draft, target)
            finally:
                draft.unlink(missing_ok=True)
        except OSError as error:
            raise StorageDown(f"{key}: {error}") from error

    def _settle(self, draft: Path, target: Path) -> None:
        """Rename into place, and sync every folder that gained an entry."""
        for last in (False, False, True):
            grown = [target.parent]
            while not grown[-1].exists() and grown[-1] != self.root:
                grown.append(grown[-1].parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                draft.rename(target)
            except FileNotFoundError:  # an erasure took the folder away between the two lines
                if last:
                    raise
                continue
            for folder in grown:
                _sync(folder)
            return

    def _path(self, key: str) -> Path:
        if not key or any(piece in ("", ".", "..", ".drafts") for piece in key.split("/")):
            raise ValueError(f"not a key: {key!r}")
        return self.root / key

    def _folder(self, prefix: str) -> Path:
        if prefix and not prefix.endswith("/"):
            raise ValueError(f"a prefix ends with a slash: {prefix!r}")
        return self._path(prefix.rstrip("/")) if prefix else self.root


def _write_all(handle: int, data: memoryview) -> None:
    """Many bytes go to the disk straight from where they lie: most of a fast upload's CPU time was their copy in the
    page cache, and writing it out from there.
    """
    if len(data) >= _STRAIGHT:
        # Only whole pages in one run, and not on every file system: what is refused is written as the rest is.
        with suppress(OSError):
            fcntl.fcntl(handle, fcntl.F_SETFL, os.O_DIRECT)
            data = data[os.write(handle, data[: len(data) // PAGESIZE * PAGESIZE]) :]
        fcntl.fcntl(handle, fcntl.F_SETFL, 0)
    while data:
        data = data[os.write(handle, data) :]


def _blocks(key: str, file: BinaryIO, start: int, end: int | None, block: int) -> Iterator[bytes]:
    with file, _translated(key):
        file.seek(start)
        left = None if end is None else max(0, end - start)
        while data := file.read(block if left is None else min(block, left)):
            left = None if left is None else left - len(data)
            yield data


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise NotStored(key) from error
    except OSError as error:
        raise StorageDown(f"{key}: {error}") from error
