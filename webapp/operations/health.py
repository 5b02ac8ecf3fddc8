"""Whether every part the product stands on is there, each by its name."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, cast

import redis
import structlog
from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from pipeline.catalog import keys
from pipeline.catalog.storage import NotStored, Storage, StorageDown
from webapp import migrations
from webapp.database import session, settings, storage
from webapp.operations.glance import Glance
from workers import sandbox
from workers.logs import first_line
from workers.queues import QUEUES, heard

# Without these no page opens and no byte is kept. While the others are away, customers watch and phones send: a load
# balancer that asks here must not take that from them.
NEEDED = ("database", "migrations", "storage")
SEEN_S = 60  # seconds after a worker's last heartbeat in which it still counts
_AWAY = (OSError, redis.RedisError, SQLAlchemyError, StorageDown, RuntimeError)
_log = structlog.get_logger("walkaround.health")

Part = dict[str, Any]


@cache
def broker(url: str) -> redis.Redis:
    """A connection of the web process to the broker, for looking only."""
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


def parts() -> dict[str, Part]:
    """What `/readyz` shows: `{"database": {"ok": True}, …}`. The reason for a no is in the log, not in the answer."""
    looks: dict[str, Callable[[], tuple[Part, str]]] = {
        "database": _database,
        "migrations": _migrations,
        "broker": _broker,
        "storage": _storage,
        "sandbox": _sandbox,
        "workers": _workers,
    }
    found = {}
    for name, look in looks.items():
        try:
            part, why = look()
        except _AWAY as error:
            part, why = {"ok": False}, first_line(error)
        if not part["ok"]:
            _log.warning("health.missing", part=name, error=why)
        found[name] = part
    return found


def depths() -> dict[str, int]:
    """Messages waiting or being worked on, by queue."""
    ask = broker(settings().effective_redis_url)
    # dramatiq keeps the messages of a queue in a hash until they are acknowledged.
    return {queue: int(cast(int, ask.hlen(f"dramatiq:{queue}.msgs"))) for queue in QUEUES}


def units() -> list[tuple[str, ...]]:
    """Worker units heard of within the last minute: the queues of each."""
    since = (time.time() - SEEN_S) * 1000
    seen = broker(settings().effective_redis_url).zrangebyscore("dramatiq:__heartbeats__", since, "+inf")
    return [queues for name in cast(list[bytes], seen) if (queues := heard(name.decode()))]


def _database() -> tuple[Part, str]:
    return {"ok": session.scalar(text("SELECT 1")) == 1}, "it does not say 1"


def _migrations() -> tuple[Part, str]:
    return {"ok": migrations.is_current(current_app.extensions["engine"])}, "not this version's: `walkaround migrate`"


def _broker() -> tuple[Part, str]:
    return {"ok": bool(broker(settings().effective_redis_url).ping())}, "no pong"


def _storage() -> tuple[Part, str]:
    _glance(storage()).look()
    return {"ok": True}, ""


def _glance(objects: Storage) -> Glance:
    """The application's look at its storage."""

    def ask() -> None:
        with suppress(NotStored):  # it answered, which is all we asked
            objects.stat(keys.logo("nobody", "nothing"))

    return cast(Glance, current_app.extensions.setdefault("glance", Glance(ask)))


def _sandbox() -> tuple[Part, str]:
    status = sandbox.status(settings().sandbox)
    return {"ok": bool(status["ok"]), "layer": status["layer"]}, str(status.get("reason"))


def _workers() -> tuple[Part, str]:
    living = units()
    unheard = [queue for queue in QUEUES if not any(queue in queues for queues in living)]
    return {"ok": not unheard, "count": len(living), "unheard": unheard}, f"no unit listens to {', '.join(unheard)}"
