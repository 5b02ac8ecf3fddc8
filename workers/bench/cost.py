"""What a minute of film costs: CPU time, wall time, memory, bytes."""

from dataclasses import asdict, dataclass
from pathlib import Path

from workers import process as craft
from workers.bench.section import Context, Report, Section, Table


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one film with one preset; seconds of CPU and wall, bytes, and each per minute of film."""

    preset: str
    jobs: int
    film_s: float
    cpu_s: float
    wall_s: float
    peak_rss_bytes: int
    made_bytes: int
    by_output: dict[str, float]

    @property
    def cpu_s_per_minute(self) -> float:
        return self.cpu_s * 60 / self.film_s

    @property
    def wall_s_per_minute(self) -> float:
        return self.wall_s * 60 / self.film_s


def measure(film: Path, order: craft.Order, out: Path) -> Cost:
    """Make one film from start to end in `out`. Raises: MediaRejected, PipelineFailed."""
    report = craft.process(film, lambda _kind: out, order)
    by_output: dict[str, float] = {}
    for output, facts in report["outputs"].items():
        group = output.split("/")[0]
        by_output[group] = round(by_output.get(group, 0.0) + facts["usage"]["cpu_s"], 2)
    return Cost(
        preset=order.preset,
        jobs=order.jobs,
        film_s=report["source"]["duration"],
        cpu_s=report["usage"]["cpu_s"],
        wall_s=report["usage"]["wall_s"],
        peak_rss_bytes=report["usage"]["peak_rss_bytes"],
        made_bytes=sum(path.stat().st_size for path in out.rglob("*") if path.is_file()),
        by_output=by_output,
    )


def table(found: Cost) -> Table:
    rows = [
        ("CPU", f"{found.cpu_s:.1f} s", f"{found.cpu_s_per_minute:.1f} s"),
        ("wall", f"{found.wall_s:.1f} s", f"{found.wall_s_per_minute:.1f} s"),
        ("made", f"{found.made_bytes / 1e6:.1f} MB", f"{found.made_bytes / 1e6 * 60 / found.film_s:.1f} MB"),
        ("peak memory of one child", f"{found.peak_rss_bytes / 2**20:.0f} MiB", ""),
    ]
    parts = ", ".join(f"{name} {cpu:.1f} s" for name, cpu in found.by_output.items())
    what = f"HEVC 1080p30, {found.film_s:.1f} s, preset `{found.preset}`, {found.jobs} at once"
    return Table("Cost", ("", "whole film", "a film-minute"), rows, f"{what}. CPU by output: {parts}.")


def run(context: Context) -> Report:
    found = measure(context.films("hevc", 3 if context.quick else None), context.order, context.folder / "out")
    return Report(tables=(table(found),), data=asdict(found))


SECTION = Section("cost", "What a film-minute costs", order=10, run=run)
