"""`walkaround schedule`: every few seconds what is due is removed. Any number may run.

A process of its own, and not only a message in a queue: what must go goes within seconds, however many films wait.
"""

import signal
import threading

import click
import structlog

from workers import logs
from workers.settings import settings
from workers.sweep import clear

log = structlog.get_logger("walkaround.schedule")


def run(stop: threading.Event) -> None:
    """Until `stop` is set."""
    while not stop.wait(settings().sweep_s):
        clear(stop.is_set)


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
