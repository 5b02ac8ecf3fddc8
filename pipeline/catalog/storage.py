"""Keys and bytes: a folder or an S3 bucket behind one small protocol."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


class NotStored(Exception):
    """No object under this key."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object's size in bytes and when it was last changed (seconds since 1970)."""

    key: str
    bytes: int
    changed_at: float


class Storage(Protocol):
    """What every storage does. Keys come from `pipeline.catalog.keys` only. `put` is durable when it returns."""

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None: ...

    def get(self, key: str) -> bytes: ...

    def read(self, key: str, start: int = 0, end: int | None = None, block: int = 1 << 18) -> Iterator[bytes]:
        """The bytes [start, end) in blocks. Raises: NotStored, before the first block."""

    def stat(self, key: str) -> Stored: ...

    def list(self, prefix: str) -> Iterator[Stored]: ...

    def delete(self, key: str) -> None:
        """Deleting what is not there is fine."""

    def delete_prefix(self, prefix: str) -> None: ...
