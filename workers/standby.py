"""The children of a unit: one that waits for a film, and one that stays with the film the unit works on.

The first is sandboxed, started, its imports done before there is a job, while the unit has nothing to do. It is given
the room in which its jobs will lie, and sees there only what is put into it. Once it has measured a film, or made an
output of it, it does this unit's next job on the same film, if that comes at once; for another film it is never used,
so that no film's data is ever in a process that reads another's. A job with other limits, or for which none waits,
starts its child then.
"""

import math
import tempfile
import threading
import time
from pathlib import Path
from subprocess import SubprocessError

import structlog

from pipeline.errors import SandboxUnavailable
from workers import sandbox
from workers.child import AHEAD, CHILD, GIVEN
from workers.sandbox import Limits
from workers.sandbox.layer import Program
from workers.settings import settings
from workers.started import Started, has_ended
from workers.workspace import Room

_LOOK_S = 0.25
_IDLE_S = 0.5  # of a unit before it starts a child that nobody has asked for
_REST_S = 10.0  # after one that could not be started, or ended while it waited

log = structlog.get_logger("walkaround.standby")


class Keeper:
    """Keeps children from `start` to `stop`, all with the limits of a unit. Its thread starts those that wait and never
    ends, since bwrap dies with the thread that started it; a worker's thread, which starts others, does not either.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._limits: Limits | None = None
        self._ahead = True
        self._room: Room | None = None  # in which one waits for any film
        self._kept: tuple[str, Room] | None = None  # a film, and the room of the one that stays with it
        self._due = 0.0  # when the next one is to be started, on the clock that only goes forward

    def start(self, limits: Limits, *, ahead: bool = True) -> None:
        """Begin, with one that waits; or not `ahead`: one is started when there is a film for it."""
        with self._lock:
            self._limits, self._ahead, self._due = limits, ahead, 0.0
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep, name="standby", daemon=True)
            self._thread.start()
        self._wake.set()

    def stop(self) -> None:
        with self._lock:
            self._limits = None
            self._part()
            self._leave()

    def take(self, film: str, limits: Limits) -> Room | None:
        """A room with a child for a job on this film: the one that did the last, or one that waits, or a new one.
        Whoever takes it gives it to `keep`, or closes it. None in a process that is no unit.

        Raises: OSError; SandboxUnavailable.
        """
        with self._lock:
            self._due = math.inf
            if self._limits is None:
                return None
            if self._kept is not None and self._kept[0] == film and _can_do(self._kept[1], limits):
                _, room = self._kept
                self._kept = None
                return room
            self._part()
            if self._room is not None and _can_do(self._room, limits):
                room, self._room = self._room, None
                return room
        return _waiting(limits, CHILD)

    def keep(self, film: str, room: Room) -> None:
        """Its child has done a job on this film, and may do the next."""
        with self._lock:
            self._part()
            if self._limits is None or room.waiting is None or not room.waiting.is_idle:
                room.close()
                return
            try:
                room.clear()
            except OSError as error:  # the job is done: the next one has another room
                log.warning("standby.left", detail=str(error))
                room.close()
                return
            self._kept = film, room

    def is_ready(self) -> bool:
        """Whether a child waits."""
        return self._room is not None

    def rest(self) -> None:
        """The unit has nothing to do: soon a child is to wait for whatever comes, and none stays with a film."""
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
        if self._limits is None:
            return
        if self._room is not None and not _can_do(self._room, self._limits):
            log.warning("standby.ended")
            self._leave()
            self._due = time.monotonic() + _REST_S
        if time.monotonic() < self._due:
            return
        self._part()
        if self._room is None and self._ahead:
            try:
                self._room = _waiting(self._limits, AHEAD)
            except (OSError, SandboxUnavailable, SubprocessError) as error:
                log.warning("standby.missing", detail=str(error))
                self._due = time.monotonic() + _REST_S

    def _part(self) -> None:
        if self._kept is not None:
            self._kept[1].close()
            self._kept = None

    def _leave(self) -> None:
        if self._room is not None:
            self._room.close()
            self._room = None


def _can_do(room: Room, limits: Limits) -> bool:
    """Whether a child is alive there that does a job with these limits."""
    return room.waiting is not None and room.waiting.fits(limits) and not has_ended(room.waiting.process)


def _waiting(limits: Limits, program: Program) -> Room:
    """Raises: OSError; SandboxUnavailable."""
    room = Room(settings().work_dir)
    try:
        scratch = Path(tempfile.mkdtemp(prefix="walkaround-child-", dir=room.path))
        layer = sandbox.choose(settings().sandbox)
        room.waiting = Started(layer, program, {GIVEN: room.given}, room.out, scratch, limits)
    except BaseException:
        room.close()
        raise
    return room


keeper = Keeper()
"""This process's; a process that is no unit starts none."""
