"""The doorbell: dramatiq on Redis or Valkey, set up so that a lost ring costs seconds and never work."""

from typing import Any

import dramatiq
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware

from workers.connections import valkey
from workers.meters import Meters
from workers.queues import QUEUES
from workers.settings import settings
from workers.unit import Unit

_PREFETCH = 1  # messages a unit takes at once: a second one would wait behind a long film while other units are idle
_IDLE_MS = 100  # longest wait between two looks at an empty queue; dramatiq's own is 1000
_HEARTBEAT_MS = 15_000  # silence after which a worker's messages go back to the queue (dramatiq: 60 s)
_MAINTENANCE_CHANCE = 20_000  # of 1,000,000 commands: every few seconds, where the default took 12 minutes on average


class Broker(RedisBroker):  # type: ignore[misc]
    """Redis, with our prefetch and our pace whatever the environment says."""

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Any:  # noqa: ARG002
        return super().consume(queue_name, prefetch=_PREFETCH, timeout=_IDLE_MS)


class Trace(Middleware):  # type: ignore[misc]
    """Binds the id of the request that began it to every log line of a message."""

    def before_process_message(self, broker: Any, message: Any) -> None:  # noqa: ARG002
        structlog.contextvars.clear_contextvars()
        if request_id := message.options.get("request_id"):
            structlog.contextvars.bind_contextvars(request_id=request_id)


def connect(*middleware: Middleware) -> Broker:
    """A broker that knows our queues."""
    broker = Broker(
        client=valkey(),
        middleware=list(middleware),
        heartbeat_timeout=_HEARTBEAT_MS,
        maintenance_chance=_MAINTENANCE_CHANCE,
    )
    for queue in QUEUES:
        broker.declare_queue(queue)
    return broker


def for_workers() -> Broker:
    """The broker of worker processes, made dramatiq's own. No retries, no time limit: the rows decide both."""
    broker = connect(Trace(), Unit(), *([Meters(settings().metrics_port)] if settings().metrics_port else []))
    dramatiq.set_broker(broker)
    return broker


def message(queue: str, actor: str, args: dict[str, Any], **options: Any) -> dramatiq.Message[Any]:
    """A message by the actor's name, so that whoever sends it need not import the actor."""
    return dramatiq.Message(queue_name=queue, actor_name=actor, args=(), kwargs=args, options=options)
