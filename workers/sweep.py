"""Comparing the rows with the world. `reconcile` is cheap and runs in the relay, whatever the queues are busy with;
`clear` deletes objects: in `walkaround schedule`, however many films wait, and sooner where an erasure woke a unit.
"""

from collections.abc import Callable
from typing import cast

import redis
import structlog
from sqlalchemy.exc import DBAPIError

from pipeline.catalog import keys
from pipeline.catalog import reconcile as rows
from pipeline.catalog.storage import StorageDown
from workers.connections import objects, reading, transaction, valkey
from workers.logs import first_line
from workers.queues import QUEUES
from workers.settings import settings

_ALIVE = "walkaround:alive"  # gone when the broker was emptied
_UNITS = 2  # leases to wait after an asset's end before its storage is looked through: the last loser has noticed

log = structlog.get_logger("walkaround.sweep")


class Doorbell:
    """Knows whether the broker may have lost what was put into it, by its run id and a key of ours in it."""

    def __init__(self) -> None:
        self._run_id: str | None = None
        self._found: str | None = None

    def forgot(self) -> bool:
        """Whether it was restarted or emptied since last `rung`. Raises: redis.RedisError."""
        self._found = str(cast(dict[str, object], valkey().info("server"))["run_id"])
        kept = valkey().exists(_ALIVE)
        return not kept or self._run_id not in (None, self._found)

    def rung(self, forgot: bool) -> None:
        """What it `forgot` is called for again, and that is committed: from now on it must know. Before that a database
        that went away would leave it unsaid. Raises: redis.RedisError.
        """
        if forgot:  # only then: one that was emptied a moment ago must not hold our key before that is noticed
            valkey().set(_ALIVE, str(self._found))
        self._run_id = self._found

    def idle_queues(self) -> list[str]:
        """Queues without a message waiting. Raises: redis.RedisError."""
        return [queue for queue in QUEUES if not valkey().llen(f"dramatiq:{queue}")]


def reconcile(bell: Doorbell) -> None:
    """Ring again for lost workers and lost messages; fail what was tried too often.

    Raises: redis.RedisError, sqlalchemy.exc.DBAPIError.
    """
    limits = settings()
    try:
        forgot, idle = bell.forgot(), bell.idle_queues()
        answers = True
    except redis.RedisError as error:
        log.warning("broker.unreachable", error=str(error))
        answers, forgot, idle = False, False, []
    with transaction() as session:
        failed = rows.give_up(session, max_attempts=limits.max_attempts, window=limits.window)
        rung = rows.ring_again(session, idle_queues=idle, all_queues=forgot)
        woken = rows.dispatch_again(session, window=limits.window)
    for asset_id in failed:
        log.error("asset.failed", asset_id=asset_id)
    if rung or woken:
        log.info("sweep.rang", claims=rung, dispatched=woken, broker_forgot=forgot)
    if answers:  # last: it may be gone by now, and what was committed is said once
        bell.rung(forgot)


def clear(stopping: Callable[[], bool]) -> None:
    """`tidy`, or a word in the log while the storage or the database is away: the next time does it."""
    try:
        tidy(stopping)
    except (StorageDown, DBAPIError) as error:
        log.warning("sweep.waiting", error=first_line(error))


def tidy(stopping: Callable[[], bool] = lambda: False) -> None:
    """Remove uploads nobody goes on with, the bytes of erased assets, the originals of refused ones, and what lost
    attempts left behind. Ends early when it is `stopping`.

    Raises: StorageDown, sqlalchemy.exc.DBAPIError.
    """
    limits = settings()
    with transaction() as session:
        expired = rows.expire(session, expiry_s=limits.upload_expiry_s)
        refused = rows.forget_originals(session, expiry_s=limits.rejected_expiry_s)
        rows.forget_sent(session)
    for asset_id in expired:
        log.info("upload.expired", asset_id=asset_id)
    for asset_id in refused:
        log.info("original.expired", asset_id=asset_id)
    with reading() as session:
        erased = rows.erased(session)
        untidy = rows.untidy(session, after_s=_UNITS * limits.lease_s)
    for asset_id in erased:
        if stopping():
            return
        objects().delete_prefix(keys.asset(asset_id))
        with transaction() as session:
            rows.looked_at(session, asset_id)
    for asset_id, finished_at in untidy:
        if stopping():
            return
        _tidy(asset_id, finished_at)


def _tidy(asset_id: str, finished_at: float) -> None:
    # Listed first, then compared with the rows: a retry that begins meanwhile stores nothing that is on the list.
    stored = [found.key for found in objects().list(keys.asset(asset_id))]
    with reading() as session:
        named = rows.named_keys(session, asset_id, finished_at)
    if named is None:
        return
    removed = rows.remove_unnamed(objects(), stored, *named)
    with transaction() as session:
        rows.tidied(session, asset_id, finished_at)
    if removed:
        log.info("asset.tidied", asset_id=asset_id, objects=removed)
