"""A child that runs the few lines a test gives it, as a worker runs a child."""

from pathlib import Path

from workers import child, sandbox
from workers.sandbox import Limits

PRELUDE = (
    "import json,os,sys,time\njob=json.loads(sys.stdin.readline())\nsay=lambda w:print(json.dumps(w),flush=True)\n"
)


def run_child(code: str, film: Path, out: Path | None = None, layer: sandbox.Layer | None = None, **how):
    """Do `code`, which has `job` and `say` at hand, with `film` as its input; `how` goes to `child.run`."""
    how.setdefault("limits", Limits(timeout_s=60, stall_s=60, memory_bytes=2**30))
    return child.run(
        {"verb": "trial", **how.pop("job", {})},
        inputs={"input": film},
        out=out,
        layer=layer or sandbox.choose("auto"),
        program=("-c", PRELUDE + code),
        **how,
    )
