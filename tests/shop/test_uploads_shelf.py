"""Between network and storage: one piece is stored while the next arrives, in order, and a failure leaves nothing."""

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.catalog.storage import NotStored, StorageDown
from pipeline.catalog.storage_folder import Folder
from webapp.uploads.shelf import Shelf

ASSET = str(uuid.uuid4())
PART = 1 << 16
FILM = bytes(range(256)) * 800  # three parts and a bit


class _Gated(Folder):
    """A folder that stores when it is let, and fails from the object on that it is told to."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.open = threading.Event()
        self.keys: list[str] = []
        self.fails_at = 99

    def put(self, key: str, data: bytes | memoryview, content_type: str = "application/octet-stream") -> None:
        self.keys.append(key)
        assert self.open.wait(60)
        if len(self.keys) > self.fails_at:
            raise StorageDown("full")
        super().put(key, data, content_type)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[_Gated]:
    gated = _Gated(tmp_path)
    yield gated
    gated.open.set()


def _fill(shelf: Shelf, data: bytes) -> bytes:
    """Put as much as fits; what is left."""
    length = min(len(shelf.room), len(data))
    shelf.room[:length] = data[:length]
    shelf.took(length)
    return data[length:]


def test_the_next_piece_arrives_while_one_is_stored(storage: _Gated) -> None:
    shelf = Shelf(storage, ASSET, 0, PART)
    left = _fill(shelf, FILM)
    shelf.store()

    assert shelf.is_busy
    assert not shelf.look()
    left = _fill(shelf, left)  # the storage has not answered yet
    assert shelf.is_full

    storage.open.set()
    while left:
        shelf.store()
        left = _fill(shelf, left)
    shelf.finish()
    shelf.close()
    assert [piece.offset for piece in shelf.stored] == [0, PART, 2 * PART, 3 * PART]
    assert b"".join(storage.get(piece.key) for piece in shelf.stored) == FILM


def test_a_storage_that_fails_is_told_of_and_leaves_no_object_behind(storage: _Gated) -> None:
    storage.open.set()
    storage.fails_at = 1
    shelf = Shelf(storage, ASSET, 0, PART)
    left = _fill(shelf, FILM)
    shelf.store()
    left = _fill(shelf, left)
    shelf.store()
    _fill(shelf, left)
    with pytest.raises(StorageDown):
        shelf.finish()

    shelf.drop()
    shelf.close()

    assert shelf.stored == []
    for key in storage.keys:
        with pytest.raises(NotStored):
            storage.get(key)


def test_a_buffer_that_is_used_again_shows_nothing_of_the_last_film(storage: _Gated) -> None:
    storage.open.set()
    for film in (b"first" * 9000, b"second"):
        shelf = Shelf(storage, ASSET, 7, PART)
        _fill(shelf, film)
        shelf.finish()
        shelf.close()
        (piece,) = shelf.stored
        assert (piece.offset, piece.length, storage.get(piece.key)) == (7, len(film), film)
