"""One child of a unit that waits for the next job: sandboxed, started, its imports done.

It takes one job and ends with it, so that no film's data is ever in a process that reads another's. It is given the
room in which its job will lie, and sees there only what is put into it. The next one is started when the unit has been
idle for a moment, or at once where a job is sure to follow. A job with other limits, or that comes too soon, starts a
child of its own, as jobs do everywhere else.
"""

import math
import tempfile
import threading
import time
from pathlib import Path

import structlog

from pipeline.errors import SandboxUnavailable
from workers import sandbox
from workers.child import AHEAD, GIVEN
from workers.sandbox import Limits
from workers.settings import settings
from workers.started import Started, has_ended
from workers.workspace import Room

_LOOK_S = 0.25
_IDLE_S = 0.5  # of a unit before it starts a child that nobody has asked for
_REST_S = 10.0  # after one that could not be started, or ended while it waited

log = structlog.get_logger("walkaround.standby")


class Keeper:
    """Keeps one child waiting, with the same limits, from `start` to `stop`. Its thread starts all of them and never
    ends, since bwrap dies with the thread that started it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._limits: Limits | None = None
        self._room: Room | None = None
        self._due = 0.0  # when the next one is to be started, on the clock that only goes forward

    def start(self, limits: Limits) -> None:
        """Begin with a first one."""
        with self._lock:
            self._limits, self._due = limits, 0.0
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep, name="standby", daemon=True)
            self._thread.start()
        self._wake.set()

    def stop(self) -> None:
        with self._lock:
            self._limits = None
            self._leave()

    def take(self, limits: Limits, *, followed: bool = False) -> Room | None:
        """The room of the child that waits, if there is one with these limits; whoever takes it closes it. `followed`:
        another job comes right after this one, so that the next child is started meanwhile.
        """
        with self._lock:
            room = self._room
            if room is None or room.waiting is None or room.waiting.limits != limits:
                room = None
            else:
                self._room = None
            self._due = 0.0 if followed else math.inf
        self._wake.set()
        return room

    def is_ready(self) -> bool:
        """Whether a child waits."""
        return self._room is not None

    def rest(self) -> None:
        """The unit has nothing to do."""
        with self._lock:
            self._due = min(self._due, time.monotonic() + _IDLE_S)

    def work(self) -> None:
        """The unit has something to do, which is not to be disturbed."""
        with self._lock:
            self._due = math.inf

    def _keep(self) -> None:
        while True:
            with self._lock:
                self._look()
            self._wake.wait(_LOOK_S if self._limits is not None else None)
            self._wake.clear()

    def _look(self) -> None:
        if self._room is not None and self._room.waiting is not None and has_ended(self._room.waiting.process):
            log.warning("standby.ended")
            self._leave()
            self._due = time.monotonic() + _REST_S
        if self._room is None and self._limits is not None and time.monotonic() >= self._due:
            try:
                self._room = _waiting(self._limits)
            except (OSError, SandboxUnavailable) as error:
                log.warning("standby.missing", detail=str(error))
                self._due = time.monotonic() + _REST_S

    def _leave(self) -> None:
        if self._room is not None:
            self._room.close()
            self._room = None


def _waiting(limits: Limits) -> Room:
    """Raises: OSError; SandboxUnavailable."""
    room = Room(settings().work_dir)
    try:
        scratch = Path(tempfile.mkdtemp(prefix="walkaround-child-", dir=room.path))
        layer = sandbox.choose(settings().sandbox)
        room.waiting = Started(layer, AHEAD, {GIVEN: room.given}, room.out, scratch, limits)
    except BaseException:
        room.close()
        raise
    return room


keeper = Keeper()
"""This process's; a process that is no unit starts none, and never finds one waiting."""
