"""Runs one job of the craft in a sandboxed child, watches it, and brings its answer back.

The child is a stranger: it parses a stranger's bytes. So its answer is checked as if a stranger had sent it, it may not
take longer, grow larger or fall silent longer than its limits, and whatever it leaves behind dies with it.
"""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline import errors
from workers import sandbox
from workers.sandbox.layer import Program
from workers.settings import settings
from workers.watch import Usage, Watch

CHILD: Program = ("-m", "pipeline.child")


class Cancelled(Exception):
    """The caller no longer wants the result (its claim is lost); the child was killed."""


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
) -> dict[str, Any]:
    """Do `job` in a child and return `{"result": …, "usage": {"cpu_s", "wall_s", "peak_rss_bytes"}}`.

    `inputs` are the files the child may read, by the name the job knows them (`input`, `watermark`); their paths inside
    are put into the job, and that of `out` too: an existing empty folder. What the child leaves, and copies of inputs
    only we may read, lie in a folder of `room` (none: where the machine keeps temporary files) as long as it runs; a
    killed worker cannot remove it, so `room` is a place that is swept. `on_progress` gets the share done, 0 to 1;
    `cancelled` is asked several times a second. `on_usage` hears what was used also when an error is raised.

    Raises: a leaf of MediaRejected or PipelineFailed by the child's reason; EngineFailed for a child that died without
    an answer or gave a wrong one; LimitExceeded for one that took too much; SandboxUnavailable; Cancelled.
    """
    layer = layer or sandbox.choose(settings().sandbox)
    limits = limits or sandbox.Limits.of(settings())
    inputs = {name: path.resolve() for name, path in inputs.items()}
    out = out.resolve() if out is not None else None
    with tempfile.TemporaryDirectory(prefix="walkaround-child-", dir=room) as folder, tempfile.TemporaryFile() as stdin:
        cell = layer.prepare(program, inputs, out, Path(folder), limits)
        names = dict(cell.names, out=cell.out) if cell.out else cell.names
        stdin.write(json.dumps({**job, **names}).encode())
        stdin.seek(0)
        try:
            if out is not None and cell.uid is not None:
                os.chown(out, cell.uid, cell.uid)
            # In its scratch folder the child may write to `tmp`, where it is not a file system of its own with a size.
            writable = [Path(folder, "tmp"), *([out] if out else [])]
            watch = Watch(cell, limits, cwd=Path(folder), stdin=stdin, writable=writable)
        except BaseException:
            os.close(cell.lifeline)
            raise
        finally:
            for fd in cell.fds:
                os.close(fd)
        try:
            answer = watch.until_answer(on_progress, cancelled)
        finally:
            watch.end()
            os.close(cell.lifeline)
            on_usage(watch.usage())
            if out is not None and cell.uid is not None:
                _take_back(out)
    if watch.cancelled:
        raise Cancelled
    result = _judge(answer, watch)
    _check_files(result, out)
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


def _take_back(out: Path) -> None:
    """Make what the child wrote ours again, never following what it may have planted."""
    ours = (os.geteuid(), os.getegid())
    os.chown(out, *ours)
    for folder, folders, files in os.walk(out, followlinks=False):
        for name in (*folders, *files):
            os.chown(Path(folder, name), *ours, follow_symlinks=False)
