"""`walkaround schedule`: the clock. It only sends messages; what is due is decided by the actor that is woken."""

import signal

import click
import redis
import structlog
from apscheduler.schedulers.blocking import BlockingScheduler

from workers import broker, logs
from workers.settings import settings

log = structlog.get_logger("walkaround.schedule")


@click.command()
def schedule() -> None:
    """Send periodic messages, until stopped."""
    logs.configure(settings())
    doorbell = broker.connect()
    every_s = settings().sweep_s

    def sweep() -> None:
        # Too old when the next one comes: ticks nobody had time for must not pile up.
        tick = broker.message("later", "sweep", {}, max_age=int(every_s * 1000))
        try:
            doorbell.enqueue(tick)
        except redis.RedisError as error:
            log.warning("schedule.waiting", error=str(error))

    scheduler = BlockingScheduler(timezone="UTC")
    scheduler.add_job(sweep, "interval", seconds=every_s, max_instances=1, coalesce=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: scheduler.shutdown(wait=False))
    log.info("schedule.started", sweep_s=every_s)
    scheduler.start()
    log.info("schedule.stopped")
