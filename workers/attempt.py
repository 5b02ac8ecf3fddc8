"""One attempt at one name: claimed before it starts, kept alive while it lasts, ended in exactly one way."""

import contextvars
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from pipeline.catalog import assets, turn
from pipeline.catalog.models import INGEST
from pipeline.catalog.storage import StorageDown
from pipeline.errors import MediaRejected, PipelineFailed, SandboxUnavailable
from workers.child import Cancelled
from workers.connections import reading, transaction
from workers.settings import settings
from workers.unit import stopping

_BACK_OFF_S = 15  # how long a name rests when the storage, the database or the sandbox is down
_RENEWAL_S = 2  # at most this long between renewals, so that the percentage moves

_PAUSE_S = 0.5  # between two tries to write down how an attempt ended

_CHUNK_CORES = 2  # that the encoders of one chunk keep busy
_PATIENCE_S = 6  # that other work waits for a first chunk on the same machine, at most
_LOOK_S = 0.25  # a look costs ten milliseconds of the cores that are waited for

# The database does not answer, or takes nothing. Its internal errors, such as a corrupt index, are faults.
_AWAY = (OperationalError, InterfaceError)
# Nobody's fault that trying again would prove: such an attempt does not count.
_DOWN = (StorageDown, SandboxUnavailable, *_AWAY)

log = structlog.get_logger("walkaround.attempt")


class Attempt:
    """A lease kept alive by a thread. `lost` is set when another took over, or nobody could be asked for too long."""

    def __init__(self, lease: assets.Lease) -> None:
        self.lease = lease
        self.lost = threading.Event()
        self._progress = 0.0
        self._ended = threading.Event()
        # In our context: its lines belong to the same request.
        keep = contextvars.copy_context().run
        self._thread = threading.Thread(target=keep, args=(self._keep,), name="lease", daemon=True)

    def __enter__(self) -> "Attempt":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def on_progress(self, share: float) -> None:
        self._progress = share

    def cancelled(self) -> bool:
        return self.lost.is_set() or stopping.is_set()

    def lose(self) -> None:
        """The rows said no: another took over. Raises: Cancelled."""
        self.lost.set()
        raise Cancelled

    def check(self) -> None:
        """Raises: Cancelled."""
        if self.cancelled():
            raise Cancelled

    def record(self, write: Callable[[Session], bool]) -> bool:
        """Do one transaction, again while the database does not answer and the lease lives. What `write` says.

        Nobody knows whether a transaction was committed whose answer was lost: `write` may be done twice.

        Raises: OperationalError, InterfaceError.
        """
        until = time.monotonic() + settings().lease_s
        while True:
            last = self.lost.is_set() or time.monotonic() >= until
            try:
                with transaction() as session:
                    return write(session)
            except _AWAY:
                if last:
                    raise
                self.lost.wait(_PAUSE_S)

    def _keep(self) -> None:
        lease_s = settings().lease_s
        kept = time.monotonic()
        while not self._ended.wait(min(_RENEWAL_S, lease_s / 3)):
            try:
                with transaction() as session:
                    ours = assets.renew(session, self.lease, lease_s=lease_s, progress=self._progress)
            except _AWAY as error:
                log.warning("lease.unrenewed", asset_id=self.lease.asset_id, name=self.lease.name, error=_words(error))
                ours = time.monotonic() - kept < lease_s
            else:
                kept = time.monotonic()
            if not ours:
                self.lost.set()
                return


def attempt(asset_id: str, name: str, work: Callable[[Attempt], None]) -> None:
    """Claim the name, or what is more urgent in its queue, do the work, and write down how it ended. Not claimed:
    somebody has it, or it is done.

    A film that was measured waits for its first chunk, which nobody need be woken for: the same unit goes on with what
    is now the most urgent of `express`, which that chunk mostly is.
    """
    limits = settings()
    how: dict[str, Any] = {"worker": _me(), "lease_s": limits.lease_s, "max_attempts": limits.max_attempts}
    _stand_back(asset_id, name)
    with transaction() as session:
        mine = turn.take(session, asset_id, name, **how)
    if mine is None:
        log.info("attempt.unneeded", asset_id=asset_id, name=name)
        return
    if mine.lease.asset_id != asset_id:  # the lines that follow belong to another request
        _bind(mine.request_id)
    if _try(mine.lease, work) and mine.lease.name == INGEST and not stopping.is_set():
        with transaction() as session:
            following = turn.follow(session, turn.EXPRESS, **how)
        if following is not None:
            _bind(following.request_id)
            _try(following.lease, work)


def _stand_back(asset_id: str, name: str) -> None:
    """Do not begin what nobody waits for while a first chunk, for which somebody does, is made on this machine and
    leaves no core. nice(2) does not do it: a process of few threads gets a core beside one of many, however nice it is.
    """
    cores, until = len(os.sched_getaffinity(0)), time.monotonic() + _PATIENCE_S
    while not stopping.is_set() and time.monotonic() < until:
        with reading() as session:
            if turn.in_front(session, asset_id, name, _machine(), settings().max_attempts) * _CHUNK_CORES < cores:
                return
        time.sleep(_LOOK_S)


def _bind(request_id: str | None) -> None:
    structlog.contextvars.unbind_contextvars("request_id")
    if request_id:
        structlog.contextvars.bind_contextvars(request_id=request_id)


def _try(lease: assets.Lease, work: Callable[[Attempt], None]) -> bool:
    """Whether it ended well."""
    limits, name = settings(), lease.name
    say = log.bind(asset_id=lease.asset_id, name=name, attempt=lease.attempt, fence=lease.fence)
    say.info("attempt.started")
    began = time.monotonic()
    with Attempt(lease) as current:
        try:
            work(current)
        except Cancelled:
            if current.lost.is_set():
                say.warning("attempt.lost")
            else:
                say.info("attempt.returned")
                _end(current, assets.release)
        except MediaRejected as error:
            say.info("attempt.rejected", reason=error.reason, detail=str(error))
            _end(current, assets.reject, reason=error.reason, detail=str(error))
        except _DOWN as error:
            say.error("attempt.postponed", detail=_words(error), after_s=_BACK_OFF_S)
            _end(current, assets.release, after_s=_BACK_OFF_S)
        except Exception as error:  # whatever it was, it must be seen on the asset and not be tried for ever
            known = isinstance(error, PipelineFailed)
            reason = error.reason if isinstance(error, PipelineFailed) else "unexpected"
            detail = f"{name}: {error if known else _words(error)}"
            say.error("attempt.failed", reason=reason, detail=detail, exc_info=not known)
            # This machine's trouble (a full disk) may pass, and may not: it counts, but there is time between attempts.
            after_s = _BACK_OFF_S if isinstance(error, OSError) else 0
            how = {"max_attempts": limits.max_attempts, "window": limits.window, "after_s": after_s}
            _end(current, assets.stumble, reason=reason, detail=detail, **how)
        else:
            say.info("attempt.ended", seconds=round(time.monotonic() - began, 3))
            return True
    return False


def _end(current: Attempt, write: Callable[..., bool], **how: Any) -> None:
    try:
        current.record(lambda session: write(session, current.lease, **how))
    except _AWAY as error:  # the lease runs out by itself, and the attempt counts
        lease = current.lease
        log.error("attempt.unended", asset_id=lease.asset_id, name=lease.name, error=_words(error))


def _words(error: Exception) -> str:
    """An error without the statement it ended, whose values are not for logs."""
    if isinstance(error, DBAPIError):
        return f"{type(error).__name__}: {(str(error.orig).splitlines() or ['no word'])[0]}"
    return str(error) if isinstance(error, _DOWN) else repr(error)


def _me() -> str:
    return f"{_machine()}{os.getpid()}"


def _machine() -> str:
    return f"{socket.gethostname()[:60]}:"
