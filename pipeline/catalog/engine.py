"""A database address → an engine: the same rows, rules and clock on SQLite and PostgreSQL."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Float, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

BUSY_S = 30  # how long a statement waits for another process' write; uploads and workers write for milliseconds


class now(FunctionElement[float]):
    """The database's clock in seconds since 1970. Inside SQL only, so that machines need not agree on the time."""

    type = Float()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite_now(*_: Any, **__: Any) -> str:
    # unixepoch('subsec') needs SQLite 3.42; a Julian day is a double good to 0.05 ms.
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _postgresql_now(*_: Any, **__: Any) -> str:
    # now() stands still within a transaction; a lease must not.
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


def connect(url: str) -> Engine:
    """An engine for `sqlite:///path` or `postgresql+psycopg://…`.

    On SQLite every transaction begins with the write lock: one that reads first and writes later could otherwise fail
    with "database is locked" without waiting. Keep transactions short; read in AUTOCOMMIT where nothing is written.
    """
    if make_url(url).get_backend_name() != "sqlite":
        # A pool as wide as the upload threads; pre-ping because a restarted database must cost nobody a request.
        return create_engine(url, pool_pre_ping=True, pool_size=4, max_overflow=64)
    if path := make_url(url).database:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_S}, pool_size=4, max_overflow=64)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; _begin does
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # an acknowledged byte survives a power cut
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
