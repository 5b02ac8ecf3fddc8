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
from pipeline.catalog.storage import NotStored
from webapp import migrations
from webapp.database import session, settings, storage
from workers import sandbox
from workers.queues import QUEUES

SEEN_S = 60  # seconds after a worker's last heartbeat in which it still counts
_log = structlog.get_logger("walkaround.health")


@cache
def broker(url: str) -> redis.Redis:
    """A connection of the web process to the broker, for looking only."""
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


def parts() -> dict[str, dict[str, Any]]:
    """What `/readyz` shows: `{"database": {"ok": True}, …}`. The reason for a no is in the log, not in the answer."""
    looks: dict[str, Callable[[], dict[str, Any]]] = {
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
            found[name] = look()
        except (OSError, redis.RedisError, SQLAlchemyError, RuntimeError) as error:
            _log.warning("health.missing", part=name, error=str(error).splitlines()[0] if str(error) else repr(error))
            found[name] = {"ok": False}
    return found


def depths() -> dict[str, int]:
    """Messages waiting or being worked on, by queue."""
    ask = broker(settings().effective_redis_url)
    # dramatiq keeps the messages of a queue in a hash until they are acknowledged.
    return {queue: int(cast(int, ask.hlen(f"dramatiq:{queue}.msgs"))) for queue in QUEUES}


def workers() -> int:
    """Worker units heard of within the last minute."""
    since = (time.time() - SEEN_S) * 1000
    seen = broker(settings().effective_redis_url).zcount("dramatiq:__heartbeats__", since, "+inf")
    return int(cast(int, seen))


def _database() -> dict[str, Any]:
    return {"ok": session.scalar(text("SELECT 1")) == 1}


def _migrations() -> dict[str, Any]:
    return {"ok": migrations.is_current(current_app.extensions["engine"])}


def _broker() -> dict[str, Any]:
    return {"ok": bool(broker(settings().effective_redis_url).ping())}


def _storage() -> dict[str, Any]:
    with suppress(NotStored):  # it answered, which is all we asked
        storage().stat(keys.logo("nobody", "nothing"))
    return {"ok": True}


def _sandbox() -> dict[str, Any]:
    status = sandbox.status(settings().sandbox)
    return {"ok": bool(status["ok"]), "layer": status["layer"]}


def _workers() -> dict[str, Any]:
    count = workers()
    return {"ok": count > 0, "count": count}
