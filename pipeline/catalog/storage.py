"""Keys and bytes: a folder or an S3 bucket behind one small protocol.

Keys come from `pipeline.catalog.keys` only; prefixes end with a slash (or are empty: everything).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

BLOCK = 1 << 18  # bytes read at a time


class NotStored(Exception):
    """No object under this key."""


class StorageDown(Exception):
    """The storage does not answer, or refuses: nobody's fault here; try again later."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object's size in bytes and when it was last changed (seconds since 1970)."""

    key: str
    bytes: int
    changed_at: float


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a file's bytes from `offset` on, kept under `key`."""

    offset: int
    length: int
    key: str


class Storage(Protocol):
    """What every storage does. Every call may raise StorageDown."""

    def put(self, key: str, data: bytes | memoryview, content_type: str = "application/octet-stream") -> None:
        """Durable when it returns, and never seen half written."""

    def put_file(self, key: str, path: Path, content_type: str = "application/octet-stream") -> None:
        """As `put`, without holding the file in memory."""

    def get(self, key: str) -> bytes:
        """Raises: NotStored."""

    def read(self, key: str, start: int = 0, end: int | None = None, block: int = BLOCK) -> Iterator[bytes]:
        """The bytes [start, end) in blocks. Raises: NotStored, before the first block."""

    def stat(self, key: str) -> Stored:
        """Raises: NotStored."""

    def list(self, prefix: str) -> Iterator[Stored]:
        """Everything under a prefix, in no order."""

    def delete(self, key: str) -> None:
        """Deleting what is not there is fine."""

    def delete_prefix(self, prefix: str) -> None: ...


def connect(url: str) -> Storage:
    """The storage at `file:///folder` or `s3://bucket[/prefix]` (credentials and endpoint as boto3 finds them)."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        from pipeline.catalog.storage_folder import Folder

        return Folder(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        from pipeline.catalog.storage_s3 import Bucket  # boto3 takes 0.3 s to import: only where it is used

        return Bucket(parts.netloc, parts.path.strip("/"))
    raise ValueError(f"neither file:///folder nor s3://bucket: {url!r}")
