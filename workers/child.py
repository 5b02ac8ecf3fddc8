"""Runs one job of the craft in a sandboxed child, watches it, and brings its answer back.

The child is a stranger: it parses a stranger's bytes. So its answer is checked as if a stranger had sent it, it may not
take longer, grow larger or fall silent longer than its limits, and whatever it leaves behind dies with it.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from pipeline import errors
from workers import sandbox
from workers.sandbox.layer import Program
from workers.settings import settings
from workers.started import Started
from workers.watch import Usage, Watch

CHILD: Program = ("-m", "pipeline.child")
AHEAD: Program = (*CHILD, "ahead")
"""The same, started before there is a job: it has imported the craft."""
GIVEN = "given"
"""The folder of the inputs of a child that was started before they were known."""
_PATIENCE_S = 30.0  # until a child that waited must have begun; it may still import
_Ears = tuple[Callable[[float], None], Callable[[], bool], Callable[[Usage], None]]

log = structlog.get_logger("walkaround.child")


class Cancelled(Exception):
    """The caller no longer wants the result (its claim is lost); the child was killed."""


class _Silent(Exception):
    """A child that had waited for a job did not say that it began."""


def run(
    job: dict[str, Any],
    *,
    inputs: Mapping[str, Path],
    out: Path | None = None,
    room: Path | None = None,
    limits: sandbox.Limits | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    on_usage: Callable[[Usage], None] = lambda _: None,
    layer: sandbox.Layer | None = None,
    program: Program = CHILD,
    waiting: Started | None = None,
) -> dict[str, Any]:
    """Do `job` in a child and return `{"result": …, "usage": {"cpu_s", "wall_s", "peak_rss_bytes"}}`.

    `inputs` are the files the child may read, by the name the job knows them (`input`, `watermark`); their paths inside
    are put into the job, and that of `out` too: an existing empty folder. What the child leaves, and copies of inputs
    only we may read, lie in a folder of `room` (none: where the machine keeps temporary files) as long as it runs; a
    killed worker cannot remove it, so `room` is a place that is swept. `on_progress` gets the share done, 0 to 1;
    `cancelled` is asked several times a second. `on_usage` hears what was used also when an error is raised.
    `waiting` is a child that was started before, with these inputs or with the folder they are in. If it does not
    begin, another is started; if all goes well it is left for another job on the same film, and what it made is moved
    to `out`, where it cannot reach it.

    Raises: a leaf of MediaRejected or PipelineFailed by the child's reason; EngineFailed for a child that died without
    an answer or gave a wrong one; LimitExceeded for one that took too much; SandboxUnavailable; Cancelled.
    """
    limits = limits or sandbox.Limits.of(settings())
    ears = on_progress, cancelled, on_usage
    if waiting is not None:
        with contextlib.suppress(_Silent):
            return _done(waiting, {**job, **_names(waiting, inputs)}, limits, ears, out, _PATIENCE_S)
        log.warning("child.silent")
    layer = layer or sandbox.choose(settings().sandbox)
    inputs = {name: path.resolve() for name, path in inputs.items()}
    out = out.resolve() if out is not None else None
    with tempfile.TemporaryDirectory(prefix="walkaround-child-", dir=room) as folder:
        started = Started(layer, program, inputs, out, Path(folder), limits)
        return _done(started, {**job, **started.cell.names}, limits, ears, out)


def _names(child: Started, inputs: Mapping[str, Path]) -> dict[str, str]:
    """What it calls its inputs."""
    known = child.cell.names
    return {name: known.get(name) or f"{known[GIVEN]}/{path.name}" for name, path in inputs.items()}


def _done(
    child: Started,
    job: dict[str, Any],
    limits: sandbox.Limits,
    ears: _Ears,
    out: Path | None,
    patience_s: float | None = None,
) -> dict[str, Any]:
    """Hand the job over, and bring the answer back; one that had waited lives on if all is well.

    Raises: as `run`; _Silent after `patience_s` without a word.
    """
    on_progress, cancelled, on_usage = ears
    if child.cell.out:
        job = {**job, "out": child.cell.out}
    well = child.is_idle = False
    try:
        child.stand_back(limits.nice)
        watch = Watch(child, limits, json.dumps(job), more=patience_s is not None)
        try:
            answer = watch.until_answer(on_progress, cancelled, patience_s)
            well = patience_s is not None and "result" in (answer or {})
        finally:
            watch.end(kill=not well)
            on_usage(watch.usage())
        if watch.cancelled:
            raise Cancelled
        if patience_s is not None and not watch.begun:
            raise _Silent
        result = _judge(answer, watch)
        if well and child.out is not None and out is not None:
            child.bring(out)
        child.is_idle = well
    finally:
        if not child.is_idle:
            child.close()
    _check_files(result, out if child.out is not None else None)
    return {"result": result, "usage": watch.usage()}


def _judge(answer: dict[str, Any] | None, watch: Watch) -> dict[str, Any]:
    """The result, or the error the child named."""
    if watch.exceeded:
        raise errors.LimitExceeded(watch.exceeded)
    if answer is None:
        raise errors.EngineFailed(f"the child died without an answer ({watch.how_it_ended()}): {watch.last_words()}")
    if isinstance(result := answer.get("result"), dict):
        return result
    for key, base in (("rejected", errors.MediaRejected), ("failed", errors.PipelineFailed)):
        if isinstance(words := answer.get(key), dict):
            leaf = _leaves(base).get(str(words.get("reason")), errors.EngineFailed)
            raise leaf(str(words.get("message", ""))[:500])
    raise errors.EngineFailed("the child's answer makes no sense")


def _leaves(base: type[errors.PipelineError]) -> dict[str, type[errors.PipelineError]]:
    return {leaf.reason: leaf for leaf in base.__subclasses__()}


def _check_files(result: dict[str, Any], out: Path | None) -> None:
    """What a result names exists as a plain file directly in `out`, with the size it says, and nothing else does.

    Raises: EngineFailed; a link or a path could make us publish a file that is not the child's.
    """
    if out is None:
        return
    made = {entry.name: entry.stat(follow_symlinks=False).st_size for entry in os.scandir(out) if _is_plain(entry)}
    strange = sorted(entry.name for entry in os.scandir(out) if entry.name not in made)
    if strange:
        raise errors.EngineFailed(f"the child left something that is no plain file: {strange[0]!r}")
    files = result.get("files", [])
    for file in files if isinstance(files, list) else [files]:
        path = file.get("path") if isinstance(file, dict) else None
        if not isinstance(path, str) or path not in made or made[path] != file.get("bytes"):
            raise errors.EngineFailed(f"the child named a file it did not make: {file!r}"[:200])


def _is_plain(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_nlink == 1
