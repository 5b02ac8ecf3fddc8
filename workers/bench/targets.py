"""The numbers to reach, and how far what was measured is from them."""

from collections.abc import Mapping
from dataclasses import dataclass

from workers.bench.section import Table


@dataclass(frozen=True)
class Target:
    """`most` True: smaller is better, `limit` the most; else the least. `unit` is printed behind the number."""

    key: str
    what: str
    limit: float
    unit: str = ""
    most: bool = True

    def met(self, value: float) -> bool:
        return value <= self.limit if self.most else value >= self.limit


TARGETS = (
    Target("cpu-vs-own-command", "CPU per film-minute vs A′, watermark, proof and privacy included", 1.05, "×"),
    Target("cpu-vs-a", "CPU per film-minute vs peer A", 0.85, "×"),
    Target("seen-vs-a", "VMAF as seen vs peer A, the worst of four bandwidths", -0.5, "", most=False),
    Target("cpu-vs-b", "CPU vs peer B", 0.50, "×"),
    Target("cpu-vs-c", "CPU vs peer C", 0.28, "×"),
    Target("wall-per-minute", "wall per film-minute, 2 worker units", 60.0, "s"),
    Target("ready-fast-median", "first playable second, fastest upload, from the last byte: median", 2.0, "s"),
    Target("ready-fast-worst", "the same, worst of 20", 3.5, "s"),
    Target("ready-early", "first playable second, upload at the film's rate: before its end (end − playable)", 0.0, "s",
           most=False),
    Target("ready-chunk", "the same, after the first chunk's bytes", 4.0, "s"),
    Target("ready-all", "everything ready, upload at the film's rate, from the last byte", 8.0, "s"),
    Target("units-speedup", "2 worker units vs 1, wall", 1.85, "×", most=False),
    Target("hlg-cpu", "CPU of an HLG film vs the same film in SDR", 1.15, "×"),
    Target("hlg-colour", "colour against the float chain, mean ΔE2000", 2.0),
    Target("rss-1080p", "peak memory of a worker unit and its child, 1080p", 600.0, "MB"),
    Target("rss-4k60", "the same, 4K60", 1500.0, "MB"),
    Target("upload-speed", "upload process vs `@tus/server`: MB/s", 1.0, "×", most=False),
    Target("upload-cpu", "upload process vs `@tus/server`: CPU per GB", 1.0, "×"),
    Target("page-bytes", "customer's page before play, compressed", 60.0, "KB"),
    Target("page-frame", "first frame on the emulated 4G line", 1.2, "s"),
)  # fmt: skip


def table(measured: Mapping[str, float], *, whole: bool) -> Table:
    """Each target with its number. `whole`: also those that nothing measured.

    Raises: KeyError for a number that belongs to no target.
    """
    if strange := set(measured) - {target.key for target in TARGETS}:
        raise KeyError(f"no target is called {', '.join(sorted(strange))}")
    rows = [_row(target, measured.get(target.key)) for target in TARGETS if whole or target.key in measured]
    return Table("Numbers to reach", ("what", "target", "measured", ""), rows)


def _row(target: Target, value: float | None) -> tuple[str, str, str, str]:
    wanted = f"{'≤' if target.most else '≥'} {_number(target.limit, target.unit)}"
    if value is None:
        return target.what, wanted, "not measured", ""
    if target.met(value):
        return target.what, wanted, _number(value, target.unit), "met"
    off = abs(value - target.limit)
    share = f", {off / abs(target.limit):.0%}" if target.limit else ""
    return target.what, wanted, _number(value, target.unit), f"**missed by {_number(off, target.unit)}{share}**"


def _number(value: float, unit: str) -> str:
    places = 0 if abs(value) >= 100 else 2
    return f"{value:.{places}f}{' ' if unit and unit != '×' else ''}{unit}"
