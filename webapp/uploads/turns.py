"""Whose turn it is to write to an upload, inside this process.

After a cut the phone's new request arrives while the old one still waits for bytes that will never come. The new one
asks the old one to store what it has and leave. This only makes the hand-over gentle: what makes it *correct*, also
between processes and after a kill, is the fence on the row.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Turn:
    """One request that is writing. `wanted` is set when another asks for its place."""

    def __init__(self) -> None:
        self.wanted = threading.Event()
        self.over = threading.Event()


_turns: dict[str, Turn] = {}
_lock = threading.Lock()

PATIENCE_S = 3.0  # how long to wait for a gentle hand-over before the fence decides


def ask(upload_id: str) -> None:
    """Ask whoever is writing to this upload to finish, and wait a little for it."""
    deadline = time.monotonic() + PATIENCE_S
    with _lock:
        current = _turns.get(upload_id)
    if current is not None:
        current.wanted.set()
        current.over.wait(deadline - time.monotonic())


@contextmanager
def take(upload_id: str) -> Iterator[Turn]:
    """Write to this upload until the block ends or `wanted` is set."""
    turn = Turn()
    with _lock:
        _turns[upload_id] = turn
    try:
        yield turn
    finally:
        with _lock:
            if _turns.get(upload_id) is turn:
                del _turns[upload_id]
        turn.over.set()
