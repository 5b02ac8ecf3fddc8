"""The program a worker starts inside the sandbox: a job in, progress and one answer out, in JSON.

Stdin holds the jobs, one a line: after one that went well it does the next, until there is none. Stdout holds one
object a line, as `docs/architecture.md` says; nothing else ever gets there: what a library prints goes to stderr. The
rooms of the craft are imported when the job is known, so that an answer to a bad file costs no start of an engine it
never needed. Called with `ahead`, before there is a job, it imports what a film needs and waits.
"""

import contextlib
import json
import math
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from pipeline.errors import LimitExceeded, MediaRejected, PipelineFailed

_EVERY_S = 0.1


def main() -> int:
    """Every job from start to answer. Returns the exit code: 0 all made, 1 one failed, 2 one rejected."""
    answers = _take_stdout()
    allowed = resource.getrlimit(resource.RLIMIT_CPU)
    if sys.argv[1:] == ["ahead"]:
        _get_ready()
    for job in sys.stdin:
        _begin(answers, allowed)
        if code := _answer(job, answers):
            return code
        _give_back()
    return 0


def _answer(job: str, answers: TextIO) -> int:
    try:
        result = _do(json.loads(job), _reporter(answers))
        # Encoded here, so that a result which is no JSON is a failure and not half a line.
        line = json.dumps({"result": result}, allow_nan=False)
    except MediaRejected as error:
        return _say(answers, {"rejected": {"reason": error.reason, "message": _one_line(error)}}, 2)
    except PipelineFailed as error:
        return _say(answers, {"failed": {"reason": error.reason, "message": _one_line(error)}}, 1)
    except MemoryError:
        return _say(answers, {"failed": {"reason": LimitExceeded.reason, "message": "out of memory"}}, 1)
    except Exception as error:
        _trace(error)
        message = f"{type(error).__name__}: {_one_line(error)}"
        return _say(answers, {"failed": {"reason": "engine-failed", "message": message}}, 1)
    answers.write(line + "\n")
    answers.flush()
    return 0


def _give_back() -> None:
    """Give the kernel back what the last job's pictures took, before an engine is started beside: 45 to 75 MB of an
    HLG film after its stills, which the C library keeps for itself. After the answer, so that nobody waits for it.
    """
    import ctypes

    with contextlib.suppress(AttributeError):  # a C library that has none of that
        ctypes.CDLL(None).malloc_trim(0)


def _get_ready() -> None:
    """Load what measures and makes a film, while nobody waits."""
    from importlib import metadata

    import pipeline.film
    import pipeline.make
    import pipeline.measure  # noqa: F401

    metadata.version("walkaround")  # loads what reads it, for a plan's recipe


def _begin(answers: TextIO, allowed: tuple[int, int]) -> None:
    """Say that the job has come, and let the limit on CPU time count from here."""
    _say(answers, {"progress": 0.0})
    soft, hard = allowed
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_CPU, (min(hard, soft + math.ceil(time.process_time())), hard))


def _do(job: dict[str, Any], on_progress: Callable[[float], None]) -> dict[str, Any]:
    match job["verb"]:
        case "measure":
            from pipeline.measure import measure, measure_early

            if (present := job.get("present")) is not None:
                known = job.get("known")
                return measure_early(Path(job["input"]), job["preset"], bool(job.get("watermark")), present, known)
            return measure(Path(job["input"]), job["preset"], bool(job.get("watermark")), on_progress)
        case "make":
            from pipeline.make import make

            watermark = job.get("watermark")
            return make(
                job["name"],
                Path(job["input"]),
                job["source"],
                job["plan"],
                Path(watermark) if watermark else None,
                Path(job["out"]),
                on_progress,
            )
        case "try":
            from pipeline.encoders import attempt

            return attempt(job["encoder"])
        case "logo":
            from pipeline.logo import logo

            return logo(Path(job["input"]), Path(job["out"]))
        case verb:
            raise PipelineFailed(f"unknown verb {verb!r}")


def _take_stdout() -> TextIO:
    """The real stdout for answers alone; descriptor 1 becomes stderr, also for libraries written in C."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _reporter(answers: TextIO) -> Callable[[float], None]:
    """Progress as a share from 0 to 1, at most ten times a second: the parent only needs to know we are alive."""
    last = -_EVERY_S

    def on_progress(share: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY_S:
            last = now
            _say(answers, {"progress": round(min(max(share, 0.0), 1.0), 4)})

    return on_progress


def _say(answers: TextIO, words: dict[str, Any], code: int = 0) -> int:
    answers.write(json.dumps(words) + "\n")
    answers.flush()
    return code


def _one_line(error: BaseException) -> str:
    """The last line of what an error says, where engines put the cause; of paths only the last name."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return re.sub(r"(?<![\w:/])/(?:[^\s/'\"]+/)+", "", lines[-1])[:500] if lines else ""


def _trace(error: BaseException) -> None:
    """Where it happened, for an engineer, to stderr, which only the log sees."""
    import traceback

    traceback.print_exception(error, file=sys.stderr)


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # All is said. To take the interpreter and its engines down in order costs 0.1 s, for which somebody may wait.
    os._exit(code)
