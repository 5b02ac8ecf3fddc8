"""What a worker unit counts, on a port of its own.

dramatiq's own middleware shares numbers between many processes through files and a forked server; a unit is one process
with one thread, so a server inside it is enough.
"""

import time
from typing import Any

import structlog
from dramatiq.middleware import Middleware
from prometheus_client import Counter, Gauge, Histogram, start_http_server

MESSAGES = Counter("walkaround_messages_total", "Messages worked on.", ["queue", "actor", "ended"])
BUSY = Gauge("walkaround_messages_in_progress", "Messages being worked on.", ["queue", "actor"])
SECONDS = Histogram(
    "walkaround_message_seconds",
    "Time from taking a message to its end.",
    ["queue", "actor"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)

log = structlog.get_logger("walkaround.meters")


class Meters(Middleware):  # type: ignore[misc]
    """Counts messages; served on 127.0.0.1 only."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._started: dict[str, float] = {}

    def before_worker_boot(self, broker: Any, worker: Any) -> None:  # noqa: ARG002
        try:
            start_http_server(self._port, "127.0.0.1")
        except OSError as error:  # films matter more than numbers about them
            log.warning("meters.unavailable", port=self._port, error=str(error))

    def before_process_message(self, broker: Any, message: Any) -> None:  # noqa: ARG002
        self._started[message.message_id] = time.monotonic()
        BUSY.labels(message.queue_name, message.actor_name).inc()

    def after_process_message(
        self,
        broker: Any,  # noqa: ARG002
        message: Any,
        *,
        result: Any = None,  # noqa: ARG002
        exception: BaseException | None = None,
    ) -> None:
        labels = (message.queue_name, message.actor_name)
        began = self._started.pop(message.message_id, None)
        if began is None:
            return
        BUSY.labels(*labels).dec()
        SECONDS.labels(*labels).observe(time.monotonic() - began)
        MESSAGES.labels(*labels, "well" if exception is None else "badly").inc()
