"""The queues by name, which kind of worker unit listens to which, and how the broker is told."""

import uuid
from collections.abc import Iterable

# `post` is for what leaves the house (e-mail, SMS, webhooks). Nothing does yet: it needs no unit of its own.
UNITS: dict[str, tuple[str, ...]] = {"express": ("express",), "film": ("film",), "later": ("later", "post")}
QUEUES = tuple(queue for queues in UNITS.values() for queue in queues)

# Where one machine makes a first chunk, others and a storyboard at once (nice(2)).
NICE = {"film": 5, "later": 10}

_LISTENS = "listens:"


def listener(queues: Iterable[str]) -> str:
    """The name by which a unit of these queues is known to the broker, where its heartbeats are counted. Who only sends
    has a name there too, since the broker takes each of its commands for a heartbeat.
    """
    return f"{_LISTENS}{'+'.join(sorted(queues))}:{uuid.uuid4()}"


def heard(name: str) -> tuple[str, ...]:
    """The queues that the bearer of this name listens to: none, if it is not a unit's."""
    return tuple(name.removeprefix(_LISTENS).partition(":")[0].split("+")) if name.startswith(_LISTENS) else ()
