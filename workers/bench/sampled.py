"""Runs inside a child in the place of `pipeline.child`: does its job and says where its own CPU time went.

A timer of CPU time looks at the stack every few milliseconds; what was used since the last look belongs to what is
running now. A long call into a library is seen when it returns, as its caller's, whole.
"""

import json
import resource
import signal
import sys
import time
from collections import defaultdict
from types import FrameType

EVERY_S = 0.002
spent: dict[str, float] = defaultdict(float)
last = 0.0


def note(_signal: int, frame: FrameType | None) -> None:
    global last
    names: list[str] = []
    loading = False
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        loading = loading or module.startswith("importlib._bootstrap")
        if module.startswith("pipeline."):
            names.append(f"{module.removeprefix('pipeline.')}.{frame.f_code.co_name}")
        frame = frame.f_back
    now = time.process_time()
    where = ["imports"] if loading else [name for name in reversed(names) if not name.startswith("child.")]
    spent[";".join(where) or "start and end"] += now - last
    last = now


def main() -> None:
    signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)
    from pipeline import child

    answers = child._take_stdout()
    result = child._do(json.load(sys.stdin), child._reporter(answers))
    signal.setitimer(signal.ITIMER_PROF, 0)
    note(0, None)
    engines = resource.getrusage(resource.RUSAGE_CHILDREN)
    profile = {"python": dict(spent), "engines_s": engines.ru_utime + engines.ru_stime}
    child._say(answers, {"result": {**result, "profile": profile}})


if __name__ == "__main__":
    main()
