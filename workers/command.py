"""`walkaround process` and `walkaround probe`: the craft alone, on local files, through the sandboxed child."""

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from pipeline.errors import MediaRejected, PipelineFailed
from workers import child
from workers import process as craft
from workers.settings import settings

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_REJECTED, _FAILED, _MISUSED = 2, 1, 64  # Source: sysexits(3), EX_USAGE


class _Misused(click.UsageError):
    exit_code = _MISUSED


class _Command(click.Command):
    """A command that ends with 64 where it is called wrongly: click's own 2 says here that a file was rejected."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _Misused(error.format_message(), error.ctx or ctx) from error


@click.command(cls=_Command)
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
    1: we failed, or the logo cannot be used; 64: the command was called wrongly.
    """
    if watermark:
        _look_at(watermark)
    order = craft.Order(preset=preset or settings().preset, watermark=watermark, jobs=jobs)
    codes = [
        _one(path, out, position if len(files) > 1 else None, order, as_json) for position, path in enumerate(files, 1)
    ]
    sys.exit(_FAILED if _FAILED in codes else max(codes))


def _look_at(logo: Path) -> None:
    """Before any file is worked on: a file is not to be called bad because of what is laid on it."""
    try:
        with tempfile.TemporaryDirectory(prefix="walkaround-logo-") as folder:
            child.run({"verb": "logo"}, inputs={"input": logo}, out=Path(folder))
    except (MediaRejected, OSError) as error:
        raise click.ClickException(f"the logo {logo} cannot be used, send a PNG ({_line(error)})") from None
    except PipelineFailed as error:
        raise click.ClickException(f"{error.reason}: {_line(error)}") from None


def _line(error: Exception) -> str:
    """What a library says may run over several lines."""
    return " ".join(str(error).split())


def _one(path: Path, out: Path, position: int | None, order: craft.Order, as_json: bool) -> int:
    """Process one file and say how it ended. Returns the exit code it asks for."""
    folder = out

    def place(kind: str) -> Path:
        nonlocal folder
        folder = out / f"{kind}-{position}" if position else out
        return folder

    said: dict[str, Any] = {"file": str(path)}
    code = 0
    try:
        with _bar(path.name) as on_change:
            report = craft.process(path, place, order, on_change, threading.Event())
        said |= {"verdict": "made", "out": str(folder), "report": report}
    except MediaRejected as error:
        code, said = _REJECTED, said | _verdict("rejected", error)
        click.echo(f"{path}: {error.reason}: {error.advice} ({_line(error)})", err=True)
    except (PipelineFailed, OSError) as error:
        code, said = _FAILED, said | _verdict("failed", error)
        click.echo(f"{path}: {said['reason']}: {_line(error)}", err=True)
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


@click.command(cls=_Command)
@click.argument("file", type=_FILE)
@click.option("--preset", help="treatment whose limits apply [default: that of the settings]")
@click.option("--json", "as_json", is_flag=True, help="print the whole source as JSON")
def probe(file: Path, preset: str | None, as_json: bool) -> None:
    """Say what a file is, as displayed. Exit code 2: it would be rejected; 64: the command was called wrongly."""
    try:
        source = craft.measure(file, craft.Order(preset=preset or settings().preset))["result"]["source"]
    except MediaRejected as error:
        click.echo(f"{file}: {error.reason}: {error.advice} ({_line(error)})", err=True)
        sys.exit(_REJECTED)
    except (PipelineFailed, OSError) as error:
        click.echo(f"{file}: {getattr(error, 'reason', 'unreadable-here')}: {_line(error)}", err=True)
        sys.exit(_FAILED)
    click.echo(json.dumps(source, indent=2 if sys.stdout.isatty() else None) if as_json else _in_words(source))


def _in_words(source: dict[str, Any]) -> str:
    lines = [f"{source['kind']} ({source['container']}, {source['bytes']} bytes)"]
    for part in ("film", "sound", "photo", "document"):
        if source.get(part):
            facts = ", ".join(f"{key} {value}" for key, value in source[part].items() if value not in ("", None))
            lines.append(f"  {part}: {facts}")
    return "\n".join(lines)


@contextmanager
def _bar(name: str) -> Iterator[Callable[[float, float | None], None]]:
    """One line on stderr, if that is a terminal: percent, how many times faster than the film, time left.

    Gives the callback of `craft.process`. Whatever is said about the file is said after the block, on its own line.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=1.0, speed="")
        started = time.monotonic()

        def on_change(share: float, duration: float | None) -> None:
            took = time.monotonic() - started
            speed = f"{share * duration / took:.1f}×" if duration and took > 0 else ""
            progress.update(task, completed=share, speed=speed)

        yield on_change
