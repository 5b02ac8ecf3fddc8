"""What `/metrics` counts: requests as they happen, rows and queues when asked."""

import time
from collections.abc import Iterator
from contextlib import suppress

import redis
from flask import Flask, Response, g, request
from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from pipeline.catalog.models import Asset, Outbox, State
from webapp.database import session
from webapp.operations import health

REQUESTS = Counter("walkaround_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "walkaround_request_seconds",
    "Time to the answer's first byte.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


def init_app(app: Flask) -> None:
    """Count every request by its rule; a rule holds no key and no id."""

    @app.after_request
    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        REQUESTS.labels(request.method, route, response.status_code).inc()
        if "began" in g:
            SECONDS.labels(route).observe(time.perf_counter() - g.began)
        return response


def rows() -> Iterator[Metric]:
    """Assets by state, messages not yet sent, the depth of each queue, worker units.

    A part that is away takes its own numbers along and no others: which one it is, is /readyz's to tell.
    """
    with suppress(SQLAlchemyError):
        yield from _catalog()
    with suppress(redis.RedisError):
        yield from _crew()


def _catalog() -> Iterator[Metric]:
    counts = dict(session.execute(select(Asset.state, func.count()).group_by(Asset.state)).all())
    assets = GaugeMetricFamily("walkaround_assets", "Assets by state.", labels=["state"])
    for state in State:
        assets.add_metric([state.value], counts.get(state, 0))
    yield assets
    unsent = session.scalar(select(func.count()).select_from(Outbox).where(Outbox.sent_at.is_(None)))
    yield GaugeMetricFamily("walkaround_outbox_unsent", "Messages the relay has not sent yet.", value=unsent or 0)


def _crew() -> Iterator[Metric]:
    depths, units = health.depths(), len(health.units())
    queues = GaugeMetricFamily("walkaround_queue_messages", "Messages waiting or worked on.", labels=["queue"])
    for queue, depth in depths.items():
        queues.add_metric([queue], depth)
    yield queues
    yield GaugeMetricFamily("walkaround_worker_units", "Worker units heard of within a minute.", value=units)


class Both:
    """A registry that is the process' own numbers and `rows`, for one answer."""

    def collect(self) -> Iterator[Metric]:
        yield from REGISTRY.collect()
        yield from rows()
