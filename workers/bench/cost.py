"""What a minute of film costs: CPU time, wall time, memory, bytes."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from workers import process as craft

FILM = "synthetic/s01_walkaround_1080p30_hevc_portrait_40s.mov"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one film with one preset; seconds of CPU and wall, bytes, and each per minute of film."""

    file: str
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


def measure(media: Path, order: craft.Order, name: str = FILM) -> Cost:
    """Make one film from start to end. Raises: MediaRejected, PipelineFailed."""
    with tempfile.TemporaryDirectory(prefix="walkaround-cost-") as folder:
        report = craft.process(media / name, lambda _kind: Path(folder) / "out", order)
        made = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    by_output: dict[str, float] = {}
    for output, facts in report["outputs"].items():
        group = output.split("/")[0]
        by_output[group] = round(by_output.get(group, 0.0) + facts["usage"]["cpu_s"], 2)
    return Cost(
        file=name,
        preset=order.preset,
        jobs=order.jobs,
        film_s=report["source"]["duration"],
        cpu_s=report["usage"]["cpu_s"],
        wall_s=report["usage"]["wall_s"],
        peak_rss_bytes=report["usage"]["peak_rss_bytes"],
        made_bytes=made,
        by_output=by_output,
    )
