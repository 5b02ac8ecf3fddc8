"""`walkaround schedule`: every few seconds what is due is removed. Any number may run.

A process of its own, and no message in a queue: what must go goes within seconds, however many films wait.
"""

import signal
import threading

import click
import structlog
from sqlalchemy.exc import DBAPIError

from pipeline.catalog.storage import StorageDown
from workers import logs
from workers.settings import settings
from workers.sweep import tidy

log = structlog.get_logger("walkaround.schedule")


def run(stop: threading.Event) -> None:
    """Until `stop` is set."""
    while not stop.wait(settings().sweep_s):
        try:
            tidy(stop.is_set)
        except (StorageDown, DBAPIError) as error:
            log.warning("schedule.waiting", error=str(error).splitlines()[0])


@click.command()
def schedule() -> None:
    """Remove what is due to go, until stopped."""
    logs.configure(settings())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log.info("schedule.started", sweep_s=settings().sweep_s)
    run(stop)
    log.info("schedule.stopped")
