"""`walkaround bench`: prints the numbers as Markdown and writes them as JSON."""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from workers import process as craft
from workers import sandbox
from workers.bench import canaries as planted
from workers.bench import corpus as files
from workers.bench import cost as price
from workers.bench import tables
from workers.settings import settings

_MEDIA = Path(__file__).parents[3] / "shared" / "media"
# A hostile file that takes a minute is a hang; a real one may be long.
_HOSTILE = sandbox.Limits(timeout_s=120, stall_s=60)


@click.group(invoke_without_command=True)
@click.option("--media", type=click.Path(exists=True, file_okay=False, path_type=Path), default=_MEDIA)
@click.option("--preset", help="treatment [default: that of the settings]")
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="cores")
@click.option("--json", "into", type=click.Path(dir_okay=False, path_type=Path), default=Path("bench.json"))
@click.pass_context
def bench(context: click.Context, media: Path, preset: str | None, jobs: int, into: Path) -> bool:
    """The whole craft on the collection of real and hostile files; without a command, all three parts.

    Exit code 1 when a file ended as it should not, a canary was found or a file beside the input was read.
    """
    context.obj = {"media": media, "into": into, "order": craft.Order(preset=preset or settings().preset, jobs=jobs)}
    if context.invoked_subcommand is None:
        fine = [context.invoke(part) for part in (corpus, canaries, cost)]
        return all(fine)
    return True


@bench.result_callback()
def _leave(fine: bool, **_: object) -> None:
    sys.exit(0 if fine else 1)


@bench.command()
@click.option("--third", is_flag=True, help="only the third that the tests make")
@click.option("--only", help="only files whose name contains this")
@click.pass_obj
def corpus(given: dict[str, Any], third: bool = False, only: str | None = None) -> bool:
    """Every real and every hostile file: what became of it."""
    media, order = given["media"], given["order"]
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


@bench.command()
@click.pass_obj
def canaries(given: dict[str, Any]) -> bool:
    """Every planted string of the synthetic files, looked for in everything made of them."""
    found = [planted.search(given["media"], name, given["order"]) for name in planted.files(given["media"])]
    click.echo(tables.canaries(found))
    _keep(given["into"], "canaries", [asdict(search) for search in found])
    return not any(search.hits for search in found)


@bench.command()
@click.pass_obj
def cost(given: dict[str, Any]) -> bool:
    """CPU, wall and memory of one film-minute."""
    found = price.measure(given["media"], given["order"])
    click.echo(tables.cost(found))
    _keep(given["into"], "cost", asdict(found))
    return True


def _counted(rows: Iterable[files.Row], total: int) -> Iterable[files.Row]:
    for number, row in enumerate(rows, 1):
        click.echo(f"{number}/{total} {row.file}: {row.verdict} ({row.seconds:.1f} s)", err=True)
        yield row


def _keep(into: Path, part: str, value: object) -> None:
    known = json.loads(into.read_text()) if into.exists() else {}
    into.write_text(json.dumps({**known, part: value}, indent=1) + "\n")
