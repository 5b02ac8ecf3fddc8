"""A database address → an engine: the same rows, rules and clock on SQLite and PostgreSQL."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Float, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

_READ_ONLY = "25006"  # read_only_sql_transaction. Source: PostgreSQL documentation, appendix A
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

    Both behave as READ COMMITTED: a SELECT sees what is committed when it runs, and waits for nobody; a change, or a
    SELECT … FOR UPDATE, waits for the others' changes. On SQLite the lock is the whole database's: keep transactions
    that write short.
    """
    # A pool as wide as the upload threads. Values are names, numbers, digests: no error or log line holds one.
    common: dict[str, Any] = {"pool_size": 4, "max_overflow": 64, "hide_parameters": True}
    if make_url(url).get_backend_name() != "sqlite":
        # Pre-ping because a restarted database must cost nobody a request.
        engine = create_engine(url, pool_pre_ping=True, **common)
        event.listen(engine, "handle_error", _without_the_row)
        event.listen(engine, "handle_error", _stand_by)
        return engine
    if path := make_url(url).database:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_S}, **common)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "before_cursor_execute", _begin_to_write)
    return engine


def _without_the_row(context: ExceptionContext) -> None:
    """PostgreSQL quotes the row at fault after its message: `DETAIL: Failing row contains (…)`."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args and isinstance(error.args[0], str):
            error.args = (error.args[0].split("\nDETAIL:")[0], *error.args[1:])


def _stand_by(context: ExceptionContext) -> OperationalError | None:
    """A server that became a stand-by answers, but takes nothing: it is as good as away, and the next connection may
    find the one that took over. The driver counts it among its internal errors, of which the others, a corrupt index
    among them, are faults that trying again does not mend.
    """
    if getattr(context.original_exception, "sqlstate", None) != _READ_ONLY:
        return None
    context.is_disconnect = True
    return OperationalError(
        context.statement, context.parameters, context.original_exception, hide_parameters=True,
        connection_invalidated=True,
    )  # fmt: skip


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; _begin_to_write does
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # an acknowledged byte survives a power cut
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_to_write(
    connection: Connection, cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool
) -> None:
    """Take the write lock with the first statement that needs it.

    A transaction that began by reading could not take it later: SQLite would answer "database is locked" at once,
    without waiting, if somebody wrote in between.
    """
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return
    if not cursor.connection.in_transaction and not _only_reads(statement, context):
        cursor.execute("BEGIN IMMEDIATE")


def _only_reads(statement: str, context: Any) -> bool:
    compiled = context.compiled if context is not None else None
    if compiled is None:
        return statement.lstrip()[:6].upper() in ("SELECT", "PRAGMA")
    return bool(compiled.statement.is_select) and getattr(compiled.statement, "_for_update_arg", None) is None
