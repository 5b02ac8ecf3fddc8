"""A worker unit's life: it will not start without a sandbox, dies with its parent, and gives work back when stopped."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from dataclasses import replace
from types import FrameType
from typing import Any

import structlog
from dramatiq.middleware import Middleware

from pipeline.errors import PipelineFailed
from workers import hardware, logs, sandbox, workspace
from workers.queues import NICE, QUEUES, listener
from workers.settings import settings
from workers.standby import keeper

_PR_SET_PDEATHSIG = 1  # Source: prctl(2)

stopping = threading.Event()
log = structlog.get_logger("walkaround.unit")


class Unit(Middleware):  # type: ignore[misc]
    """Hooks into the start and the end of a worker process."""

    def after_process_boot(self, broker: Any) -> None:  # noqa: ARG002
        logs.configure(settings())
        die_with_parent()
        heed_the_first_sigterm()
        workspace.remove_abandoned(settings().work_dir)

    def before_worker_boot(self, broker: Any, worker: Any) -> None:
        try:
            sandbox.choose(settings().sandbox)
            hardware.choose(settings().preset)
        except PipelineFailed as error:  # dramatiq would write down anything but an exit, and go on
            log.critical("unit.refused", reason=str(error))
            sys.exit(1)
        queues = set(worker.consumer_whitelist or QUEUES)
        broker.broker_id = listener(queues)
        nice = min(NICE.get(queue, 0) for queue in queues)
        somebody_waits = bool({"express", "film"} & queues)
        keeper.start(replace(sandbox.Limits.of(settings()), nice=nice), ahead=somebody_waits)

    def before_process_message(self, broker: Any, message: Any) -> None:  # noqa: ARG002
        keeper.work()

    def after_process_message(self, broker: Any, message: Any, **_: Any) -> None:  # noqa: ARG002
        workspace.remove_abandoned(settings().work_dir)  # of units beside this one: a dead one may not come back
        keeper.rest()

    def before_worker_shutdown(self, broker: Any, worker: Any) -> None:  # noqa: ARG002
        stopping.set()
        keeper.stop()


def die_with_parent() -> None:
    """Let the kernel kill this process when its parent ends: a killed master otherwise leaves orphans that go on taking
    messages.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    parent = multiprocessing.parent_process()
    if parent is not None and os.getppid() != parent.pid:  # it ended before the kernel was told
        os.kill(os.getpid(), signal.SIGKILL)


def heed_the_first_sigterm() -> None:
    """Let a second SIGTERM change nothing. Supervisors send it to the whole group and the master passes it on; dramatiq
    takes the second as "at once", and the lease would not be given back.
    """
    stop = signal.getsignal(signal.SIGTERM)
    heeded = False

    def once(number: int, frame: FrameType | None) -> None:
        nonlocal heeded
        if not heeded and callable(stop):
            heeded = True
            stop(number, frame)

    signal.signal(signal.SIGTERM, once)
