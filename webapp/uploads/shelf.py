"""Puts the pieces of one request into storage while the next one arrives, and tells of them in the order of the file.

A buffer is filled by the network and handed to a thread that stores it; the next is filled meanwhile. So a fast line
waits for the slower of network and storage, not for both; two are stored at once, since most of it is waiting for the
disk. Buffers are used again: on a fast line the kernel would spend as long on fresh pages as on the bytes.
"""

import secrets
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap

from pipeline.catalog import keys
from pipeline.catalog.storage import Piece, Storage, StorageDown

_AT_ONCE = 2  # pieces of one request being stored
_SPARE = 4  # buffers kept for the next requests
_spare: deque[mmap] = deque(maxlen=_SPARE)
_hands = ThreadPoolExecutor(64, thread_name_prefix="store")  # threads begin when they are first needed


class Shelf:
    """`room` is to be filled, `took` says how far, `store` hands it over; `stored` are pieces no row names yet."""

    def __init__(self, storage: Storage, asset_id: str, offset: int, part_bytes: int) -> None:
        self.stored: list[Piece] = []
        self.next = offset  # where the buffer begins in the file
        self.waiting = 0  # bytes in the buffer
        self._storage, self._asset_id, self._bytes = storage, asset_id, part_bytes
        self._buffer = self._fresh()
        self._storing: deque[tuple[Piece, Future[None], mmap]] = deque()

    @property
    def room(self) -> memoryview:
        """The free part of the buffer."""
        return memoryview(self._buffer)[self.waiting :]

    @property
    def is_full(self) -> bool:
        return self.waiting == self._bytes

    @property
    def is_busy(self) -> bool:
        """Something is being stored at this moment."""
        return bool(self._storing)

    def took(self, length: int) -> None:
        """So many bytes were written to `room`."""
        self.waiting += length

    def store(self) -> None:
        """Hand over what is in the buffer; waits while too many before it are being stored. Raises: StorageDown."""
        if not self.waiting:
            return
        while len(self._storing) >= _AT_ONCE:
            self._settle()
        piece, full = self._piece(), self._buffer
        view = memoryview(full)[: piece.length]
        self._storing.append((piece, _hands.submit(self._storage.put, piece.key, view), full))
        self._buffer = self._fresh()

    def look(self) -> bool:
        """Whether `stored` holds something; waits for nothing. Raises: StorageDown."""
        while self._storing and self._storing[0][1].done():
            self._settle()
        return bool(self.stored)

    def finish(self) -> None:
        """Store all that is left. Raises: StorageDown."""
        while self._storing:
            self._settle()
        if self.waiting:
            view = memoryview(self._buffer)[: self.waiting]
            piece = self._piece()
            self.stored.append(piece)
            self._storage.put(piece.key, view)

    def drop(self) -> None:
        """Remove the objects that no row will ever name."""
        while self._storing:
            with suppress(StorageDown):  # then it is not there, or the sweep finds it
                self._settle()
        for piece in self.stored:
            try:
                self._storage.delete(piece.key)
            except StorageDown:  # the sweep finds what no row names
                break
        self.stored.clear()

    def close(self) -> None:
        """Give the buffer back; nothing is being stored any more."""
        _spare.append(self._buffer)

    def _piece(self) -> Piece:
        piece = Piece(self.next, self.waiting, keys.part(self._asset_id, self.next, secrets.token_hex(8)))
        self.next, self.waiting = self.next + piece.length, 0
        return piece

    def _settle(self) -> None:
        piece, done, buffer = self._storing.popleft()
        self.stored.append(piece)  # also if it failed: then it is dropped with the others
        done.result()
        _spare.append(buffer)

    def _fresh(self) -> mmap:
        with suppress(IndexError):
            if len(buffer := _spare.pop()) == self._bytes:
                return buffer
        # Of an anonymous map only what is written to becomes memory: a slow phone fills an eighth of it.
        return mmap(-1, self._bytes, flags=MAP_PRIVATE | MAP_ANONYMOUS)
