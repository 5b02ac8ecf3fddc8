"""`walkaround relay`: sends what the outbox holds, and every few seconds compares the rows with what is going on.

Both in one process, because both are a few short queries and neither may wait behind a film. Any number may run.
"""

import signal
import threading
import time

import click
import redis
import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from pipeline.catalog.engine import now
from pipeline.catalog.models import Outbox
from workers import broker, logs
from workers.connections import reading, transaction
from workers.queues import QUEUES
from workers.settings import settings
from workers.sweep import Doorbell, reconcile

_IDLE_S = 0.1  # between two looks at an empty outbox
_DOWN_S = 1.0  # between two tries when the database or the broker does not answer
_AT_ONCE = 100  # rows sent before they are marked

log = structlog.get_logger("walkaround.relay")


def forward(doorbell: broker.Broker) -> int:
    """Send the oldest unsent rows, then mark them; how many. Dying between the two rings twice, which is harmless.

    What names a queue that nobody can listen to is written to the log and counts as sent.

    Raises: redis.RedisError, sqlalchemy.exc.DBAPIError.
    """
    with reading() as session:
        unsent = session.scalars(select(Outbox).where(Outbox.sent_at.is_(None)).order_by(Outbox.id).limit(_AT_ONCE))
        rows = unsent.all()
    for row in rows:
        if row.queue not in QUEUES:  # of other code's, or a mistake: there it would lie, and nobody would know
            log.error("relay.unknown_queue", queue=row.queue, actor=row.actor)
            continue
        traced = {"request_id": row.request_id} if row.request_id else {}
        doorbell.enqueue(broker.message(row.queue, row.actor, row.args, **traced))
    if rows:
        with transaction() as session:
            session.execute(update(Outbox).where(Outbox.id.in_([row.id for row in rows])).values(sent_at=now()))
    return len(rows)


def run(stop: threading.Event) -> None:
    """Until `stop` is set."""
    doorbell, bell, sweep_at = broker.connect(), Doorbell(), 0.0
    while not stop.is_set():
        try:
            if time.monotonic() >= sweep_at:
                reconcile(bell)
                sweep_at = time.monotonic() + settings().sweep_s
            if not forward(doorbell):
                stop.wait(_IDLE_S)
        except (redis.RedisError, DBAPIError) as error:
            log.warning("relay.waiting", error=logs.first_line(error))
            stop.wait(_DOWN_S)


@click.command()
def relay() -> None:
    """Send waiting messages and look after lost ones, until stopped."""
    logs.configure(settings())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log.info("relay.started")
    run(stop)
    log.info("relay.stopped")
