"""`walkaround bench`: runs the sections, prints their tables and the numbers to reach, keeps JSON and plots."""

import json
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from workers import process as craft
from workers import sandbox
from workers.bench import corpus as files
from workers.bench import tables, targets
from workers.bench.films import Films
from workers.bench.section import Context, Report, Section, Table
from workers.settings import settings

_MEDIA = Path(__file__).parents[3] / "shared" / "media"
# A hostile file that takes a minute is a hang; a real one may be long.
_HOSTILE = sandbox.Limits(timeout_s=120, stall_s=60)


def sections() -> list[Section]:
    """The sections of all floors, in the order in which they run."""
    found = [entry.load() for entry in metadata.entry_points(group="walkaround.bench")]
    return sorted(found, key=lambda section: section.order)


class _Bench(click.Group):
    """Each section is a command of its own."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [*(section.name for section in sections()), *super().list_commands(context)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        chosen = [section for section in sections() if section.name == name]
        if not chosen:
            return super().get_command(context, name)
        return click.Command(name, callback=lambda: _run(chosen, context.obj), help=chosen[0].title)


@click.group(cls=_Bench, invoke_without_command=True)
@click.option(
    "--media",
    type=click.Path(file_okay=False, path_type=Path),
    default=_MEDIA,
    help="the collection of films; where it is absent, films are drawn [default: ../shared/media]",
)
@click.option("--preset", help="treatment [default: that of the settings]")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="outputs made at once")
@click.option("--quick", is_flag=True, help="seconds of film, everything once: does it run? Its numbers mean nothing")
@click.option("--rounds", type=click.IntRange(1), default=1, show_default=True, help="of the peers; medians are kept")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("docs/performance"),
    show_default=True,
    help="folder for bench.json and the plots",
)
@click.pass_context
def bench(
    context: click.Context, media: Path, preset: str | None, jobs: int, quick: bool, rounds: int, into: Path
) -> bool:
    """Measure: peers in the same run, tables in Markdown, JSON and plots. Without a command, all sections.

    Exit code 1 when a section could not be measured, or a file ended as it should not; a missed target is no error.
    """
    into.mkdir(parents=True, exist_ok=True)
    order = craft.Order(preset=preset or settings().preset, jobs=jobs)
    context.obj = {"media": media, "into": into, "order": order, "quick": quick, "rounds": rounds}
    return _run(sections(), context.obj) if context.invoked_subcommand is None else True


@bench.result_callback()
def _leave(fine: bool, **_: object) -> None:
    sys.exit(0 if fine else 1)


def _run(chosen: Sequence[Section], given: dict[str, Any]) -> bool:
    """Each section in its turn; one that fails is told of and does not stop the others."""
    media, into, fine = given["media"], given["into"], True
    measured: dict[str, float] = {}
    said: list[str] = []
    took: dict[str, float] = {}

    def say(text: str) -> None:
        said.append(text)
        click.echo(text)

    with tempfile.TemporaryDirectory(prefix="walkaround-bench-") as name:
        shared = Path(name)
        # The child is another user and passes through by name.
        shared.chmod(0o711)
        films = Films(shared, media if media.is_dir() else None)
        order = replace(given["order"], watermark=films.logo())
        began = time.monotonic()
        if len(chosen) > 1 and not given["quick"]:
            _whisper(f"{len(chosen)} sections, {_about(sum(section.takes_s for section in chosen))} on two idle cores")
        for section in chosen:
            length = "quick" if given["quick"] else _about(section.takes_s)
            _whisper(f"{_clock(began)} {section.name}: {section.title} ({length})")
            started = time.monotonic()
            with tempfile.TemporaryDirectory(prefix=f"{section.name}-", dir=shared) as folder:
                Path(folder).chmod(0o711)

                def progress(words: str, started: float = started) -> None:
                    _whisper(f"{_clock(started)} {words}")

                context = Context(Path(folder), films, order, given["quick"], progress, given["rounds"])
                try:
                    report = section.run(context)
                except Exception as error:
                    traceback.print_exc()
                    say(f"## {section.title}\n\n**Not measured:** {type(error).__name__}: {error}\n")
                    fine = False
                    continue
                finally:
                    took[section.name] = time.monotonic() - started
                    _whisper(f"{section.name} took {took[section.name]:.0f} s")
            measured |= report.measured
            fine = fine and not report.wrong
            for words in report.wrong:
                say(f"**Wrong:** {words}\n")
            _keep(into, section.name, _kept(report, took[section.name]))
            for file, text in report.plots.items():
                (into / file).write_text(text)
            for table in report.tables:
                say(tables.markdown(table))
    if measured or len(chosen) > 1:
        say(tables.markdown(targets.table(measured, whole=len(chosen) > 1)))
    if len(chosen) > 1:
        rows = [(section.name, f"{section.takes_s:.0f}", f"{took[section.name]:.0f}") for section in chosen]
        whole = ("**all**", f"{sum(section.takes_s for section in chosen):.0f}", f"**{sum(took.values()):.0f}**")
        note = f"Measured in {sum(took.values()) / 60:.1f} minutes on {os.cpu_count()} cores: {_processor()}."
        say(tables.markdown(Table("How long it took", ("section", "s, two idle cores", "s"), [*rows, whole], note)))
        (into / "tables.md").write_text("".join(f"{text}\n" for text in said))
    return fine


def _about(seconds: float) -> str:
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.1f} min"


def _clock(since: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - since), 60)
    return f"[{minutes}:{seconds:02}]"


def _whisper(words: str) -> None:
    click.echo(words, err=True)


def _kept(report: Report, seconds: float) -> dict[str, Any]:
    machine = {"cores": os.cpu_count(), "processor": _processor(), "kernel": platform.release()}
    return {
        "at": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "seconds": round(seconds, 1),
        "machine": machine,
        "measured": dict(report.measured),
        "data": report.data,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.machine())


@bench.command()
@click.option("--third", is_flag=True, help="only the third that the tests make")
@click.option("--only", help="only files whose name contains this")
@click.pass_obj
def corpus(given: dict[str, Any], third: bool = False, only: str | None = None) -> bool:
    """Every real and every hostile file of the collection: what became of it. Takes an hour."""
    media, order = _collection(given), given["order"]
    rows: dict[bool, list[files.Row]] = {}
    for hostile in (False, True):
        names = [name for name in files.files(media, hostile=hostile, third=third) if not only or only in name]
        how = replace(order, limits=_HOSTILE if hostile else None)
        rows[hostile] = list(_counted(files.run(media, names, how), len(names)))
    click.echo(tables.good(rows[False]))
    click.echo(tables.hostile(rows[True]))
    both = rows[False] + rows[True]
    _keep(given["into"], "corpus", [asdict(row) for row in both])
    return all(row.right and not row.crashed and not row.hung and not row.read_beside for row in both)


def _collection(given: dict[str, Any]) -> Path:
    media: Path = given["media"]
    if not media.is_dir():
        raise click.UsageError(f"no collection of files at {media}")
    return media


def _counted(rows: Iterable[files.Row], total: int) -> Iterable[files.Row]:
    for number, row in enumerate(rows, 1):
        click.echo(f"{number}/{total} {row.file}: {row.verdict} ({row.seconds:.1f} s)", err=True)
        yield row


def _keep(into: Path, part: str, value: object) -> None:
    file = into / "bench.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**known, part: value}, indent=1) + "\n")
