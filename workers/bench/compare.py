"""Our way beside the peers' recipes: in turn on the same film, what each costs and how good it looks.

Eight minutes on two cores. Where the whole film is not needed for a ratio, its first seconds do; the tables say so.
With `--rounds` each contender runs more often, and medians are kept.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from workers.bench import ladders, peers, plots, quality
from workers.bench.section import Context, Report, Section, Table


@dataclass(frozen=True)
class Case:
    """One film for some contenders."""

    key: str
    film: str
    seconds: float | None  # s of it; None: all
    names: tuple[str, ...]
    every: int = 5  # frames: of which VMAF is taken


_ALL = tuple(contender.name for contender in peers.CONTENDERS)
CASES = (
    Case("HEVC 1080p30, whole", "hevc", None, ("ours", "A", "A′"), every=10),
    Case("HEVC 1080p30, 6 s", "hevc", 6, ("ours", "A", "B", "C")),
    Case("H.264 1080p30, 6 s", "h264", 6, _ALL),
    Case("H.264 4K60, 2 s", "4k60", 2, _ALL),
    Case("HEVC HLG, 4 s", "hlg", 4, ("ours", "A", "A′")),
)
QUICK = (Case("HEVC 1080p30, 1 s", "hevc", 1, _ALL),)


@dataclass(frozen=True)
class Found:
    """One contender on one film: what each round cost, and the scores of its renditions."""

    rounds: tuple[peers.Made, ...]
    scores: dict[str, quality.Score]
    seconds: float  # of the film

    def middle(self, what: str) -> float:
        return float(median(getattr(made, what) for made in self.rounds))

    def per_minute(self, what: str) -> float:
        return self.middle(what) * 60 / self.seconds

    @property
    def variants(self) -> list[ladders.Variant]:
        return list(self.rounds[-1].variants)

    def seen(self, bandwidth: int) -> tuple[ladders.Variant, bool, float]:
        variant, fits = ladders.best(self.variants, bandwidth)
        return variant, fits, self.scores[variant.name].mean


def measure(case: Case, context: Context) -> dict[str, Found]:
    """Every contender of a case, by name; in each round one after the other."""
    film, found = peers.film(context.films(case.film, case.seconds), context.order)
    made: dict[str, list[peers.Made]] = {name: [] for name in case.names}
    scores: dict[str, dict[str, quality.Score]] = {name: {} for name in case.names}
    chosen = [contender for contender in peers.CONTENDERS if contender.name in case.names]
    for turn in range(context.rounds):
        for contender in chosen:
            context.say(f"  {case.key}, round {turn + 1} of {context.rounds}: {contender.name}")
            with _folder(context.folder / "out") as out:
                made[contender.name].append(contender.make(film, context.order, out))
                if contender.seen and turn == context.rounds - 1:
                    reference = quality.Reference(film.path, found, context.order.watermark, contender.name == "ours")
                    with _folder(context.folder / "vmaf") as work:
                        variants = list(made[contender.name][-1].variants)
                        scores[contender.name] = quality.scores(reference, variants, work, case.every)
    return {name: Found(tuple(made[name]), scores[name], film.seconds) for name in case.names}


class _folder:
    """An empty folder that the child may pass through, gone afterwards."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Path:
        self._path.mkdir(mode=0o711)
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path)


def run(context: Context) -> Report:
    cases = QUICK if context.quick else CASES
    return report(cases, {case.key: measure(case, context) for case in cases})


def report(cases: Sequence[Case], found: dict[str, dict[str, Found]]) -> Report:
    """Tables of each case, and of all of them the numbers to reach and the plots."""
    return Report(
        tables=[table(case, found[case.key]) for case in cases for table in (_costs, _renditions, _seen)],
        measured=_measured(cases, found),
        plots=_plots(found),
        data={key: {name: _kept(one) for name, one in each.items()} for key, each in found.items()},
    )


def ratio(found: dict[str, Found], other: str, what: str = "cpu_s") -> float:
    """Ours over another's: the median of the rounds, in each of which both ran."""
    pairs = zip(found["ours"].rounds, found[other].rounds, strict=True)
    return float(median(getattr(mine, what) / getattr(theirs, what) for mine, theirs in pairs))


def worse_seen(found: dict[str, Found], other: str) -> float:
    """VMAF as seen, ours less the other's, where it is smallest."""
    return min(found["ours"].seen(line)[2] - found[other].seen(line)[2] for line in quality.BANDWIDTHS)


def _measured(cases: Sequence[Case], found: dict[str, dict[str, Found]]) -> dict[str, float]:
    first = found[cases[0].key]
    dear = next(found[case.key] for case in cases if "B" in case.names)
    unit = unit_rss_bytes()
    high = {case.film: unit + max(made.peak_rss_bytes for made in found[case.key]["ours"].rounds) for case in cases}
    return {
        "cpu-vs-own-command": ratio(first, "A′"),
        "cpu-vs-a": ratio(first, "A"),
        "seen-vs-a": worse_seen(first, "A"),
        "cpu-vs-b": ratio(dear, "B"),
        "cpu-vs-c": ratio(dear, "C"),
        "wall-per-minute": first["ours"].per_minute("wall_s"),
        "rss-1080p": max(high[film] for film in high if film != "4k60") / 1e6,
    } | ({"rss-4k60": high["4k60"] / 1e6} if "4k60" in high else {})


def unit_rss_bytes() -> int:
    """Memory of a worker unit itself, which waits beside its child: everything it imports, loaded once."""
    words = "import workers.actors, resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    return int(done.stdout) * 1024


def _costs(case: Case, found: dict[str, Found]) -> Table:
    rows = [
        ("CPU-s per film-minute", *(f"{one.per_minute('cpu_s'):.0f}" for one in found.values())),
        ("CPU, ours ÷ theirs", *("" if name == "ours" else f"{ratio(found, name):.2f}" for name in found)),
        ("wall s per film-minute", *(f"{one.per_minute('wall_s'):.0f}" for one in found.values())),
        ("wall, ours ÷ theirs", *("" if name == "ours" else f"{ratio(found, name, 'wall_s'):.2f}" for name in found)),
        ("first playable second, s", *(f"{one.middle('first_s'):.1f}" for one in found.values())),
        ("all renditions ready, s", *(f"{one.middle('ready_s'):.1f}" for one in found.values())),
        ("peak memory, MB", *(f"{one.middle('peak_rss_bytes') / 1e6:.0f}" for one in found.values())),
        ("all renditions, Mbit", *(f"{sum(v.bytes for v in one.variants) * 8 / 1e6:.1f}" for one in found.values())),
    ]
    seconds = next(iter(found.values())).seconds
    parts = ", ".join(f"{name} {cpu:.1f} s" for name, cpu in found["ours"].rounds[-1].by_output.items())
    times = len(found["ours"].rounds)
    rounds = "one round" if times == 1 else f"median of {times} rounds"
    note = f"{seconds:.1f} s of film, {rounds}, one contender after the other. Ours by output, CPU: {parts}."
    return Table(f"Cost: {case.key}", ("", *found), rows, note)


def _renditions(case: Case, found: dict[str, Found]) -> Table:
    rows = [
        (
            name,
            variant.name,
            f"{variant.average / 1e6:.2f}",
            f"{variant.peak / 1e6:.2f}",
            f"{one.scores[variant.name].mean:.1f}",
            f"{one.scores[variant.name].low:.1f}",
        )
        for name, one in found.items()
        for variant in one.variants
        if one.scores
    ]
    note = (
        f"Shown at {quality.SHOWN} px by the short edge, every {case.every}th frame; VMAF of the bundled ffmpeg. "
        "The reference of ours carries the same mark" + (", in our SDR colours." if case.film == "hlg" else ".")
    )
    head = ("", "rendition", "Mbit/s", "peak", "VMAF", "5th percentile")
    return Table(f"Renditions: {case.key}", head, rows, note)


def _seen(case: Case, found: dict[str, Found]) -> Table:
    def cell(one: Found, bandwidth: int) -> str:
        variant, fits, mean = one.seen(bandwidth)
        return f"{mean:.1f} ({variant.name}{'' if fits else ', does not fit'})"

    shown = {name: one for name, one in found.items() if one.scores}
    rows = [(f"{line / 1e6:g} Mbit/s", *(cell(one, line) for one in shown.values())) for line in quality.BANDWIDTHS]
    note = "VMAF of the heaviest rendition whose measured peak is not above the bandwidth; sound included."
    return Table(f"As seen: {case.key}", ("", *shown), rows, note)


def _plots(found: dict[str, dict[str, Found]]) -> dict[str, str]:
    def per_minute(what: str) -> dict[str, dict[str, float]]:
        return {
            key: {name: one.per_minute(what) for name, one in each.items()}
            for key, each in found.items()
            if "B" in each
        }

    lines = [f"{line / 1e6:g} Mbit/s" for line in quality.BANDWIDTHS]
    whole = next(each for each in found.values() if "B" in each)
    seen = {name: [one.seen(line)[2] for line in quality.BANDWIDTHS] for name, one in whole.items() if one.scores}
    first = {key: {name: one.middle("first_s") for name, one in each.items()} for key, each in found.items()}
    return {
        "cpu.svg": plots.bars("CPU for a minute of film", "CPU-s, less is better", per_minute("cpu_s")),
        "first.svg": plots.bars("First playable second, the file being there", "s, less is better", first),
        "seen.svg": plots.lines("As seen on a line of a given bandwidth", "VMAF, more is better", lines, seen),
    }


def _kept(one: Found) -> dict[str, Any]:
    rounds = [{key: value for key, value in asdict(made).items() if key != "variants"} for made in one.rounds]
    renditions = {
        variant.name: {
            "bytes": variant.bytes,
            "average": variant.average,
            "peak": variant.peak,
            **(asdict(one.scores[variant.name]) if one.scores else {}),
        }
        for variant in one.variants
    }
    return {"film_s": one.seconds, "rounds": rounds, "renditions": renditions}


SECTION = Section("peers", "Beside the peers", order=20, run=run)
