"""Our way beside the peers' recipes: in turn on the same film, what each costs and how good it looks.

Six minutes on two idle cores, of which the whole film takes three. Where the whole is not needed for a ratio, its
first seconds do; the tables say so. B and C, who would take four minutes for the whole film, get its first seconds, and
beside them stands what these seconds of the whole film cost us: an excerpt made by itself would bear the stills and the
measuring of a whole film. With `--rounds` each contender runs more often, and medians are kept.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from workers.bench import peers, quality, told
from workers.bench.found import Case, Found, ratio, worse_seen
from workers.bench.made import Made
from workers.bench.section import Context, Report, Section

WHOLE = "HEVC 1080p30, whole"
CASES = (
    Case(WHOLE, "hevc", None, ("ours", "A", "A′"), every=19, looked_s=20),
    Case("HEVC 1080p30, its first 9 s", "hevc", 9, ("ours", "B", "C"), every=19, part_of=WHOLE),
    Case("H.264 1080p30, 10 s", "h264", 10, ("ours", "A"), looked_s=5),
    Case("H.264 4K60, 2 s", "4k60", 2, ("ours", "A")),
    Case("HEVC HLG, 4 s", "hlg", 4, ("ours", "A")),
)
_QUICK = "HEVC 1080p30, 2 s"
QUICK = (
    Case(_QUICK, "hevc", 2, ("ours", "A", "A′"), every=19),
    Case("HEVC 1080p30, its first second", "hevc", 1, ("ours", "B", "C"), every=19, part_of=_QUICK),
)


def measure(case: Case, context: Context, whole: tuple[Case, Found] | None = None) -> dict[str, Found]:
    """Every contender of a case, by name; in each round one after the other. `whole` is what ours is taken out of."""
    film, found = peers.film(context.films(case.film, case.seconds), context.order)
    names = [name for name in case.names if whole is None or name != "ours"]
    made: dict[str, list[Made]] = {name: [] for name in names}
    scores: dict[str, dict[str, quality.Score]] = {name: {} for name in names}
    chosen = [contender for contender in peers.CONTENDERS if contender.name in names]
    for turn in range(context.rounds):
        for contender in chosen:
            context.say(f"  {case.key}, round {turn + 1} of {context.rounds}: {contender.name}")
            with _folder(context.folder / "out") as out:
                made[contender.name].append(contender.make(film, context.order, out))
                if contender.seen and turn == context.rounds - 1:
                    reference = quality.Reference(film.path, found, context.order.watermark, contender.name == "ours")
                    with _folder(context.folder / "vmaf") as work:
                        variants = list(made[contender.name][-1].variants)
                        scores[contender.name] = quality.scores(reference, variants, work, case.every, case.looked_s)
    out_of_whole = {"ours": whole[1].beginning(film.seconds, whole[0].looked_s)} if whole is not None else {}
    return out_of_whole | {name: Found(tuple(made[name]), scores[name], film.seconds) for name in names}


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
    found: dict[str, dict[str, Found]] = {}
    for case in cases:
        whole = (
            next((one, found[one.key]["ours"]) for one in cases if one.key == case.part_of) if case.part_of else None
        )
        found[case.key] = measure(case, context, whole)
    return report(cases, found)


def report(cases: Sequence[Case], found: dict[str, dict[str, Found]]) -> Report:
    """Tables of each case, and of all of them the numbers to reach and the plots."""
    return Report(
        tables=[table(case, found[case.key]) for case in cases for table in (told.costs, told.renditions, told.seen)],
        measured=_measured(cases, found),
        plots=told.drawn(cases, found),
        data={key: {name: told.kept(one) for name, one in each.items()} for key, each in found.items()},
    )


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
    # Not `ru_maxrss`, which outlives the exec and would be this process's own. Source: proc(5), VmHWM.
    words = "import workers.actors; print(open('/proc/self/status').read())"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    return next(int(line.split()[1]) * 1024 for line in done.stdout.splitlines() if line.startswith("VmHWM:"))


SECTION = Section("peers", "Beside the peers", order=20, run=run, takes_s=310)
