"""`walkaround process` and `walkaround probe`: the craft alone, on local files, through the sandboxed child."""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from pipeline.errors import MediaRejected, PipelineFailed
from workers import process as craft
from workers.settings import settings

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_REJECTED, _FAILED = 2, 1


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="folder for what is made")
@click.option("--preset", help="treatment, a file of presets/ [default: that of the settings]")
@click.option("--watermark", type=_FILE, help="the dealer's logo, a PNG with alpha")
@click.option(
    "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="cores", help="outputs at once"
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object a file, with its report")
def process(
    files: tuple[Path, ...], out: Path, preset: str | None, watermark: Path | None, jobs: int, as_json: bool
) -> None:
    """Make of each film its playlists, segments and stills, of each photo its sizes, of each PDF a clean copy.

    Several files get a folder each, named by kind and position: film-1, photo-2. Exit code 2: a file was rejected;
    1: we failed.
    """
    order = craft.Order(preset=preset or settings().preset, watermark=watermark, jobs=jobs)
    codes = []
    with _Bar(Console(stderr=True)) as bar:
        for position, path in enumerate(files, 1):
            codes.append(_one(path, out, position if len(files) > 1 else None, order, bar, as_json))
    sys.exit(_FAILED if _FAILED in codes else max(codes))


def _one(path: Path, out: Path, position: int | None, order: craft.Order, bar: "_Bar", as_json: bool) -> int:
    """Process one file and say how it ended. Returns the exit code it asks for."""
    folder = out

    def place(kind: str) -> Path:
        nonlocal folder
        folder = out / f"{kind}-{position}" if position else out
        return folder

    said: dict[str, Any] = {"file": str(path)}
    stop = threading.Event()
    code = 0
    try:
        report = craft.process(path, place, order, bar.start(path.name), stop)
        said |= {"verdict": "made", "out": str(folder), "report": report}
    except MediaRejected as error:
        code, said = _REJECTED, said | _verdict("rejected", error)
        click.echo(f"{path}: {error.reason}: {error.advice} ({error})", err=True)
    except (PipelineFailed, OSError) as error:
        code, said = _FAILED, said | _verdict("failed", error)
        click.echo(f"{path}: {said['reason']}: {error}", err=True)
    finally:
        bar.finish()
    if as_json:
        click.echo(json.dumps(said))
    elif code == 0:
        click.echo(f"{path}: {said['report']['kind']} made in {folder}")
    return code


def _verdict(verdict: str, error: Exception) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "reason": getattr(error, "reason", "unreadable-here"),
        "message": str(error),
        "advice": getattr(error, "advice", ""),
    }


@click.command()
@click.argument("file", type=_FILE)
@click.option("--preset", help="treatment whose limits apply [default: that of the settings]")
@click.option("--json", "as_json", is_flag=True, help="print the whole source as JSON")
def probe(file: Path, preset: str | None, as_json: bool) -> None:
    """Say what a file is, as displayed. Exit code 2: it would be rejected."""
    try:
        source = craft.measure(file, craft.Order(preset=preset or settings().preset))["result"]["source"]
    except MediaRejected as error:
        click.echo(f"{file}: {error.reason}: {error.advice} ({error})", err=True)
        sys.exit(_REJECTED)
    except (PipelineFailed, OSError) as error:
        click.echo(f"{file}: {getattr(error, 'reason', 'unreadable-here')}: {error}", err=True)
        sys.exit(_FAILED)
    click.echo(json.dumps(source, indent=2 if sys.stdout.isatty() else None) if as_json else _in_words(source))


def _in_words(source: dict[str, Any]) -> str:
    lines = [f"{source['kind']} ({source['container']}, {source['bytes']} bytes)"]
    for part in ("film", "sound", "photo", "document"):
        if source.get(part):
            facts = ", ".join(f"{key} {value}" for key, value in source[part].items() if value not in ("", None))
            lines.append(f"  {part}: {facts}")
    return "\n".join(lines)


class _Bar:
    """One line per file on stderr: percent, how many times faster than the film, time left."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=console,
            transient=not console.is_terminal,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def start(self, name: str) -> Any:
        """A callback for `craft.process`."""
        task = self._task = self._progress.add_task(name, total=1.0, speed="")
        started = time.monotonic()

        def on_change(share: float, duration: float | None) -> None:
            took = time.monotonic() - started
            speed = f"{share * duration / took:.1f}×" if duration and took > 0 else ""
            self._progress.update(task, completed=share, speed=speed)

        return on_change

    def finish(self) -> None:
        if self._task is not None:
            self._progress.stop_task(self._task)
