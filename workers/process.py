"""The whole craft on one local file, without catalog or queue: what `walkaround process` and `bench` run.

Does what the crew does with an asset: measure, make each output of the plan in a child, then the playlists as a view of
the facts. Everything is made in a hidden folder and appears in its place when all of it is there.
"""

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import playlist
from pipeline.errors import Empty, PipelineFailed
from workers import child, hardware, sandbox, shelf
from workers.hands import Hands
from workers.watch import Usage

Report = dict[str, Any]


MEASURING = 0.05  # of all work, about: what a bar shows while nobody knows yet how much there is


@dataclass(frozen=True, slots=True)
class Order:
    """How to treat files. `jobs` is how many outputs are made at once."""

    preset: str
    watermark: Path | None = None
    jobs: int = 1
    limits: sandbox.Limits | None = None
    layer: sandbox.Layer | None = None
    on_usage: Callable[[Usage], None] = lambda _: None
    """Hears what each child used, also of one that failed; called from several threads."""
    on_made: Callable[[str], None] = lambda _: None
    """Hears the name of each output that is made and proved; called from several threads."""


class Progress:
    """The share done of one file: what measuring it takes, then by the weights of its plan. Called from several
    threads."""

    def __init__(self, on_change: Callable[[float, float | None], None]) -> None:
        self._on_change = on_change
        self._lock = threading.Lock()
        self._weights: dict[str, float] = {}
        self._done: dict[str, float] = {}
        self.duration: float | None = None

    def plan(self, outputs: list[dict[str, Any]], duration: float | None) -> None:
        self._weights = {output["name"]: max(float(output["weight"]), 1e-6) for output in outputs}
        self._done = {}
        self.duration = duration

    def measured(self, share: float) -> None:
        self._on_change(MEASURING * share, None)

    def of(self, name: str) -> Callable[[float], None]:
        """A callback for one output's own share."""

        def on_progress(share: float) -> None:
            with self._lock:
                self._done[name] = max(share, self._done.get(name, 0.0))
                total = sum(self._weights.values())
                done = sum(self._weights[known] * part for known, part in self._done.items() if known in self._weights)
                made = done / total if total else 0.0
                self._on_change(MEASURING + (1 - MEASURING) * made, self.duration)

        return on_progress


def measure(
    path: Path,
    order: Order,
    cancelled: Callable[[], bool] = lambda: False,
    on_progress: Callable[[float], None] = lambda _: None,
) -> dict[str, Any]:
    """What `child.run` answers to a measure job on `path`.

    Raises: MediaRejected, PipelineFailed, child.Cancelled; OSError when the file cannot be opened at all.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise Empty("0 bytes")
    job = {"verb": "measure", "bytes": size, "preset": order.preset, "watermark": order.watermark is not None}
    return child.run(
        job,
        inputs={"input": path},
        on_progress=on_progress,
        cancelled=cancelled,
        limits=order.limits,
        layer=order.layer,
        on_usage=order.on_usage,
    )


def process(
    path: Path,
    place: Callable[[str], Path],
    order: Order,
    on_change: Callable[[float, float | None], None] = lambda _share, _duration: None,
    stop: threading.Event | None = None,
) -> Report:
    """Make everything the plan wants and return the report, which is also written beside it.

    `place` turns the kind of the file (`film`, `photo`, `document`) into the folder for its outputs; `on_change` gets
    the share done (0 to 1) and the film's duration (s). Setting `stop` kills the children.

    Raises: MediaRejected, PipelineFailed, child.Cancelled; nothing is left behind then.
    """
    stop = stop or threading.Event()
    started = time.monotonic()
    progress = Progress(on_change)
    measured = measure(path, order, stop.is_set, progress.measured)
    measured["result"] = hardware.decided(measured["result"], order.preset)
    folder = place(measured["result"]["kind"])
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        try:
            return _process_into(folder, path, measured, order, progress, stop, started)
        except PipelineFailed as error:
            if (again := hardware.instead(measured["result"], error)) is None:
                raise
            return _process_into(folder, path, {**measured, "result": again}, order, progress, stop, started)
    except BaseException:
        if new:
            shutil.rmtree(folder)
        raise


def _process_into(
    folder: Path,
    path: Path,
    measured: dict[str, Any],
    order: Order,
    progress: Progress,
    stop: threading.Event,
    started: float,
) -> Report:
    found = measured["result"]
    outputs = found["plan"]["outputs"]
    progress.plan(outputs, found["source"].get("duration"))
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as name:
        making = Path(name)
        # The child is another user and passes through by name; nobody lists what is not finished.
        making.chmod(0o711)
        made = _make_all(path, found, making, order, progress, stop)
        report = _report(found, measured["usage"], made)
        report["usage"]["wall_s"] = round(time.monotonic() - started, 3)
        if found["kind"] == "film":
            _write_playlists(making, made)
        (making / "report.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
        shelf.put(making, folder)
    return report


def _make_all(
    path: Path, found: dict[str, Any], making: Path, order: Order, progress: Progress, stop: threading.Event
) -> dict[str, dict[str, Any]]:
    """Every output by name: `{"result": …, "usage": …}`. The first failure stops the others."""
    inputs = {"input": path} | ({"watermark": order.watermark} if order.watermark else {})
    failed = threading.Event()

    def one(name: str) -> dict[str, Any]:
        out = making / _folder(name)
        out.mkdir(parents=True)
        job = {"verb": "make", "name": name, "source": found["source"], "plan": found["plan"]}
        limits = hardware.limits(found["plan"], name, order.limits)
        answer = child.run(
            job,
            inputs=inputs,
            out=out,
            on_progress=progress.of(name),
            cancelled=lambda: stop.is_set() or failed.is_set(),
            limits=limits,
            layer=order.layer,
            on_usage=order.on_usage,
            waiting=hands.child(limits),
        )
        progress.of(name)(1.0)
        order.on_made(name)
        return answer

    with Hands(inputs, making, order.layer) as hands, ThreadPoolExecutor(order.jobs, "make") as pool:
        running: dict[str, Future[dict[str, Any]]] = {
            output["name"]: pool.submit(one, output["name"]) for output in found["plan"]["outputs"]
        }
        try:
            wait(running.values(), return_when=FIRST_EXCEPTION)
        finally:
            if not all(future.done() and not future.cancelled() for future in running.values()):
                failed.set()
                pool.shutdown(cancel_futures=True)
    # The failure that stopped the others, not the others' being stopped.
    for future in running.values():
        if not future.cancelled() and (error := future.exception()) and not isinstance(error, child.Cancelled):
            raise error
    return {name: future.result() for name, future in running.items()}


def _folder(name: str) -> str:
    """Chunks have a folder each, because their files have the same names; everything else lies at the top."""
    return name if "/" in name else f".{name}"


def _write_playlists(making: Path, made: dict[str, dict[str, Any]]) -> None:
    chunks = {name: answer["result"] for name, answer in made.items() if name.startswith("chunk/")}
    at = {(one["facts"]["chunk"], file["path"]): name for name, one in chunks.items() for file in one["files"]}
    facts = [one["facts"] for one in chunks.values()]
    texts = playlist.film(facts, True, lambda chunk, file: f"{at[chunk, file]}/{file}")
    for name, text in texts.items():
        (making / name).write_text(text)


def _report(found: dict[str, Any], measuring: dict[str, Any], made: dict[str, dict[str, Any]]) -> Report:
    """What was measured, decided, made and proved. Of the personal strings only how many there were."""
    source = dict(found["source"])
    private = source.pop("private", ())
    usages = [measuring, *(answer["usage"] for answer in made.values())]
    return {
        "kind": found["kind"],
        "recipe": found["recipe"],
        "source": {**source, "private_strings_removed": len(private)},
        "plan": found["plan"],
        "outputs": {name: {**answer["result"], "usage": answer["usage"]} for name, answer in made.items()},
        "usage": {
            "cpu_s": round(sum(usage["cpu_s"] for usage in usages), 3),
            "peak_rss_bytes": max(usage["peak_rss_bytes"] for usage in usages),
        },
    }
