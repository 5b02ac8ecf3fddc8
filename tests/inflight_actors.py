"""What worker processes of the in-flight tests run: the real actors and the real craft, in one process that dies by
SIGKILL in the middle of the first two chunks it is asked for early."""

import os
import signal
from pathlib import Path
from typing import Any

import arriving

from pipeline import transcode
from workers import child
from workers.settings import settings

_cut = transcode.segments.split


def split(*args: Any, **how: Any) -> dict[str, Any]:
    """Between encoding and the end: half of a chunk's files are written."""
    made = _cut(*args, **how)
    deaths = Path(settings().data_dir, "deaths")
    deaths.touch()
    if deaths.stat().st_size < 2:
        with deaths.open("ab") as told:
            told.write(b"x")
        os.kill(os.getpid(), signal.SIGKILL)
    return made


transcode.segments.split = split
child.run = arriving.run

from workers.actors import ingest, make  # noqa: E402

__all__ = ["ingest", "make"]
