"""What a comparison says, as tables, as plots, and as numbers to keep."""

from collections.abc import Sequence
from dataclasses import asdict
from math import inf
from typing import Any

from workers.bench import plots, quality
from workers.bench.found import Case, Found, ratio
from workers.bench.section import Table

_MEMORY = "Memory: of the child and all below it, shared pages counted once; of the others, their largest process."


def costs(case: Case, found: dict[str, Found]) -> Table:
    rows = [
        ("CPU-s per film-minute", *(f"{one.per_minute('cpu_s'):.0f}" for one in found.values())),
        ("CPU, ours ÷ theirs", *("" if name == "ours" else f"{ratio(found, name):.2f}" for name in found)),
        ("wall s per film-minute", *(f"{one.per_minute('wall_s'):.0f}" for one in found.values())),
        ("wall, ours ÷ theirs", *("" if name == "ours" else f"{ratio(found, name, 'wall_s'):.2f}" for name in found)),
        ("first playable second, s", *(f"{one.middle('first_s'):.1f}" for one in found.values())),
        ("all renditions ready, s", *(f"{one.middle('ready_s'):.1f}" for one in found.values())),
        ("peak memory, MB", *(f"{one.middle('peak_rss_bytes') / 1e6:.0f}" for one in found.values())),
        ("all renditions, Mbit per film-minute", *(f"{_mbit(one) * 60 / one.seconds:.0f}" for one in found.values())),
    ]
    ours = found["ours"]
    times = len(ours.rounds)
    turns = "one round" if times == 1 else f"median of {times} rounds"
    note = f"{max(one.seconds for one in found.values()):.1f} s of film, {turns}, one contender after the other. "
    if case.part_of:
        note += (
            f"Ours: what the first {ours.seconds:.1f} s cost as a part of “{case.part_of}”, with their share of the "
            "stills and of measuring; its clocks are shortened alike, not taken. Theirs are of the excerpt, and "
            "their first playable second comes later the longer a film is."
        )
    else:
        parts = ", ".join(f"{name} {cpu:.1f} s" for name, cpu in ours.rounds[-1].by_output.items())
        note += f"Ours by output, CPU: {parts}."
    return Table(f"Cost: {case.key}", ("", *found), rows, note + f" {_MEMORY}")


def _of(case: Case) -> str:
    return "" if case.looked_s == inf else f" of the first {case.looked_s:g} s"


def _mbit(one: Found) -> float:
    return sum(variant.bytes for variant in one.variants) * 8 / 1e6


def renditions(case: Case, found: dict[str, Found]) -> Table:
    rows = [
        (
            name,
            variant.name,
            f"{variant.average / 1e6:.2f}",
            f"{variant.peak / 1e6:.2f}",
            f"{variant.peak / variant.average:.2f}",
            f"{one.scores[variant.name].mean:.1f}",
            f"{one.scores[variant.name].low:.1f}",
        )
        for name, one in found.items()
        for variant in one.variants
        if one.scores
    ]
    note = (
        f"Shown at {quality.SHOWN} px by the short edge, every {case.every}th frame{_of(case)}; VMAF of the "
        "bundled ffmpeg. The reference of ours carries the same mark"
        + (", in our SDR colours." if case.film == "hlg" else ".")
    )
    head = ("", "rendition", "Mbit/s", "peak", "peak ÷ average", "VMAF", "5th percentile")
    return Table(f"Renditions: {case.key}", head, rows, note)


def seen(case: Case, found: dict[str, Found]) -> Table:
    def cell(one: Found, bandwidth: int) -> str:
        variant, fits, mean = one.seen(bandwidth)
        return f"{mean:.1f} ({variant.name}{'' if fits else ', does not fit'})"

    shown = {name: one for name, one in found.items() if one.scores}
    rows = [(f"{line / 1e6:g} Mbit/s", *(cell(one, line) for one in shown.values())) for line in quality.BANDWIDTHS]
    note = "VMAF of the heaviest rendition whose measured peak is not above the bandwidth; sound included."
    return Table(f"As seen: {case.key}", ("", *shown), rows, note)


def drawn(cases: Sequence[Case], found: dict[str, dict[str, Found]]) -> dict[str, str]:
    """Plots by file name."""

    def of(what: str, each: dict[str, Found]) -> dict[str, float]:
        return {name: one.per_minute(what) if what == "cpu_s" else one.middle(what) for name, one in each.items()}

    def looks(case: Case) -> str:
        series = {
            name: [one.seen(line)[2] for line in quality.BANDWIDTHS]
            for name, one in found[case.key].items()
            if one.scores
        }
        return plots.lines(f"As seen on a line of a given bandwidth: {case.key}", "VMAF, more is better", lines, series)

    lines = [f"{line / 1e6:g} Mbit/s" for line in quality.BANDWIDTHS]
    cpu = {key: of("cpu_s", each) for key, each in found.items()}
    first = {case.key: of("first_s", found[case.key]) for case in cases if case.part_of is None}
    return {
        "cpu.svg": plots.bars("CPU for a minute of film", "CPU-s, less is better", cpu),
        "first.svg": plots.bars("First playable second, the film being there", "s, less is better", first),
        **{f"seen{'-peers' if case.part_of else ''}.svg": looks(case) for case in cases if "hevc" in case.film},
    }


def kept(one: Found) -> dict[str, Any]:
    rounds = [{key: value for key, value in asdict(made).items() if key != "variants"} for made in one.rounds]
    renditions = {
        variant.name: {
            "bytes": variant.bytes,
            "average": variant.average,
            "peak": variant.peak,
            **_kept_score(one.scores.get(variant.name)),
        }
        for variant in one.variants
    }
    return {"film_s": one.seconds, "rounds": rounds, "renditions": renditions}


def _kept_score(score: quality.Score | None) -> dict[str, float]:
    return {} if score is None else {"mean": score.mean, "low": score.low, "frames": len(score.each)}
