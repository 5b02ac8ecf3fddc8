"""The processes of the product, by name: `walkaround up` starts them here, the Procfile lists them for production."""

import sys
from collections.abc import Iterator

from workers.queues import UNITS
from workers.settings import Settings


def commands(settings: Settings) -> Iterator[tuple[str, list[str]]]:
    """(name, arguments) of every process but the embedded Valkey, in the order of their metrics ports."""
    python = sys.executable
    yield "web", [python, "-m", "gunicorn", "-c", "python:webapp.operations.serve_web", "webapp.app:web()"]
    yield "upload", [python, "-m", "gunicorn", "-c", "python:webapp.operations.serve_upload", "webapp.app:upload()"]
    port = settings.metrics_port
    for name, queues in UNITS.items():
        for number in range(settings.worker_units if name == "film" else 1):
            unit = f"{name}.{number + 1}" if name == "film" else name
            # Each unit needs a metrics port of its own; `env` because only settings.py may look at the environment.
            yield unit, [
                "env", f"METRICS_PORT={port}", python, "-m", "dramatiq", "workers.actors",
                "--processes", "1", "--threads", "1", "--queues", *queues,
            ]  # fmt: skip
            port = port + 1 if port else 0
    for name in ("relay", "schedule"):
        yield name, [python, "-m", "webapp.command", name]
