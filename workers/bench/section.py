"""What a part of the bench is: a name, a place in the order, and a function from a context to a report.

A room of any floor brings its section as an entry point of the group `walkaround.bench` in pyproject.toml, as
commands are brought, so that no floor imports the one above it:

    SECTION = Section("upload", "The upload process", order=40, run=run)

    def run(context: Context) -> Report: ...

`walkaround bench` then runs it in its turn and `walkaround bench upload` alone. All defaults together take less than
15 minutes on two cores, so each section says how long it takes; it does a fraction of its work when `context.quick`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers import process as craft
from workers.bench.films import Films


@dataclass(frozen=True)
class Context:
    """What a section may use. `folder` is its own, empty, and removed afterwards."""

    folder: Path
    films: Films  # context.films("hevc"), context.films("h264", seconds=12): a path
    order: craft.Order  # preset, two at once, the dealer's logo
    quick: bool  # a second or two of film, everything once: does it run at all? Its numbers mean nothing
    say: Callable[[str], None]  # one line to whoever waits
    rounds: int = 1  # how often each contender runs, in turn; medians are kept


@dataclass(frozen=True)
class Table:
    """A table as it is printed; `note` stands below it. Cells are Markdown."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Report:
    """What a section found."""

    tables: Sequence[Table] = ()
    measured: Mapping[str, float] = field(default_factory=dict)  # by the keys of `targets.TARGETS`
    plots: Mapping[str, str] = field(default_factory=dict)  # SVG by file name
    data: Any = None  # everything else worth keeping, for JSON
    wrong: Sequence[str] = ()  # what must not be, such as a planted string that was found: the bench then ends with 1


@dataclass(frozen=True)
class Section:
    """One part of the bench."""

    name: str  # also the command: `walkaround bench NAME`
    title: str
    order: int  # smaller is earlier: peers 20, ready 30, upload 40, page 50, pool 60, colour 70, flame 80, canaries 90
    run: Callable[[Context], Report]
    takes_s: float = 60  # on two idle cores, with defaults
