"""Every file of the collection through the sandboxed child, and what became of it."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.errors import LimitExceeded, MediaRejected, PipelineFailed
from workers import process as craft
from workers.bench.beside import Trap
from workers.bench.witness import Witness, witness
from workers.watch import Usage

_HERE = Path(__file__).parent

SYNC = 0.040  # s: sound ahead of or behind its picture
DURATION = 0.050  # s, or a frame, whichever is longer
MEMORY = 1_500_000_000  # bytes, of a child


@dataclass(frozen=True, slots=True)
class Row:
    """One file: `verdict` is `made`, `rejected: REASON` or `failed: REASON`; times in s, memory in bytes. What was made
    is not `right` if it is out of sync, of another length, or took too much; `message` says so then."""

    file: str
    verdict: str
    right: bool
    seconds: float
    message: str = ""
    cpu_s: float | None = None
    peak_rss_bytes: int | None = None
    sync_s: float | None = None
    silent: bool = True  # there is nothing to hear
    duration_s: float | None = None
    frame_s: float | None = None  # of the source, by the mean
    frames_in: int | None = None
    frames_out: int | None = None
    crashed: bool = False
    hung: bool = False
    read_beside: tuple[str, ...] = ()


def files(media: Path, *, hostile: bool, third: bool) -> list[str]:
    """Names relative to `media`, in a fixed order; `third` keeps the part that the tests make too."""
    if hostile:
        found = [
            path.relative_to(media).as_posix() for path in sorted((media / "hostile").rglob("*")) if path.is_file()
        ]
        found = [name for name in found if name != "hostile/README.md"]
    else:
        lines = (media / "MANIFEST.tsv").read_text().splitlines()[1:]
        found = [name for line in lines if not (name := line.split("\t")[0]).startswith("hostile/")]
    chosen = set(_lines("third.txt"))
    return [name for name in found if not third or name in chosen]


def expected() -> dict[str, set[str]]:
    """The reasons that are right for files outside `hostile/` that must be rejected."""
    return {name: set(reasons.split()) for name, reasons in (line.split("\t") for line in _lines("expected.tsv"))}


def run(media: Path, names: list[str], order: craft.Order) -> Iterator[Row]:
    """Process each file in a folder of its own, in which other files lie that nobody may open."""
    for name in names:
        with tempfile.TemporaryDirectory(prefix="walkaround-bench-") as folder:
            yield one(media / name, name, Path(folder), order)


def one(path: Path, name: str, folder: Path, order: craft.Order, called: str = "input") -> Row:
    """One file, `called` so by its owner, whatever it does. `folder` is empty and keeps what was made in `out`."""
    hostile = name.startswith("hostile/")
    out = folder / "out"
    with Trap(folder / "in") as trap:
        source = trap.folder / called
        shutil.copyfile(path, source)
        started = time.monotonic()
        used: list[Usage] = []
        facts: dict[str, Any] = {}
        verdict, message, crashed, hung = "made", "", False, False
        try:
            report = craft.process(source, lambda _kind: out, replace(order, on_usage=used.append))
            facts = _facts(source, report, out, order)
        except MediaRejected as error:
            verdict, message = f"rejected: {error.reason}", str(error)
        except PipelineFailed as error:
            verdict, message = f"failed: {error.reason}", str(error)
            crashed = "died without an answer" in message
            hung = isinstance(error, LimitExceeded) and (" s, limit " in message)
        seconds = facts.pop("seconds", time.monotonic() - started)
        read = (*trap.opened(), *trap.found_in(out), *trap.found_in_text(message))
    row = Row(
        file=name,
        verdict=verdict,
        right=_is_right(name, verdict, hostile),
        seconds=round(seconds, 2),
        message=message,
        cpu_s=round(sum(each["cpu_s"] for each in used), 3),
        peak_rss_bytes=max((int(each["peak_rss_bytes"]) for each in used), default=None),
        crashed=crashed,
        hung=hung,
        read_beside=tuple(read),
        **facts,
    )
    wrong = faults(row)
    return replace(row, right=False, message="; ".join(wrong)) if row.right and wrong else row


def faults(row: Row) -> list[str]:
    """What is wrong with what was made of a file, or with what it took; hostile ones have no true clock."""
    wrong = []
    if row.peak_rss_bytes is not None and row.peak_rss_bytes > MEMORY:
        wrong.append(f"{row.peak_rss_bytes / 1e6:.0f} MB of memory, limit {MEMORY / 1e6:.0f}")
    if row.file.startswith("hostile/") or row.duration_s is None:
        return wrong
    longest = max(DURATION, row.frame_s or 0.0)
    if abs(row.duration_s) > longest:
        wrong.append(f"{row.duration_s * 1000:+.0f} ms of duration, limit {longest * 1000:.0f}")
    if row.sync_s is None and not row.silent:
        wrong.append("the sound of the source is not heard")
    if row.sync_s is not None and abs(row.sync_s) > SYNC:
        wrong.append(f"{row.sync_s * 1000:+.0f} ms between picture and sound, limit {SYNC * 1000:.0f}")
    return wrong


def _facts(path: Path, report: craft.Report, out: Path, order: craft.Order) -> dict[str, Any]:
    facts: dict[str, Any] = {"seconds": report["usage"]["wall_s"]}
    if report["kind"] == "film":
        seen: Witness = witness(path, report, out, order)
        facts |= {
            "sync_s": seen.sync_s,
            "silent": seen.silent,
            "duration_s": seen.duration_s,
            "frame_s": round(float(1 / Fraction(report["source"]["film"]["rate"])), 4),
            "frames_in": report["source"]["film"]["frames"],
            "frames_out": seen.frames,
        }
    return facts


def _is_right(name: str, verdict: str, hostile: bool) -> bool:
    """A hostile file may be rejected for any reason or honestly made; a good one must be made, or fail as expected."""
    how, _, reason = verdict.partition(": ")
    if hostile:
        return how in ("made", "rejected")
    wanted = expected().get(name)
    return how == "made" if wanted is None else how == "rejected" and reason in wanted


def _lines(file: str) -> list[str]:
    return [line for line in (_HERE / file).read_text().splitlines() if line and not line.startswith("#")]
