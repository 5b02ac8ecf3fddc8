"""What a worker process keeps open: the database, the storage, the broker. Opened when first needed, once."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipeline.catalog import engine, storage
from workers.settings import settings

SOCKET_TIMEOUT_S = 10  # seconds a broker command may take; a stalled one must not hold a worker


@cache
def database() -> Engine:
    return engine.connect(settings().effective_database_url)


@cache
def objects() -> storage.Storage:
    return storage.connect(settings().effective_storage_url)


@cache
def valkey() -> redis.Redis:
    return redis.Redis.from_url(
        settings().effective_redis_url, socket_timeout=SOCKET_TIMEOUT_S, socket_connect_timeout=5
    )


@contextmanager
def transaction() -> Iterator[Session]:
    """A short transaction, committed at its end. Nothing slow happens inside."""
    with Session(database()) as session, session.begin():
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    """A look at the rows that takes no lock and waits for nobody."""
    with Session(database().execution_options(isolation_level="AUTOCOMMIT")) as session:
        yield session
