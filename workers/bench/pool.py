"""One film on the whole pool: how little a long film delays another dealer's short ones, and two units beside one."""

import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from pipeline import engine
from workers.bench.crew import Way, Work, alike, as_in_production, crew, until
from workers.bench.section import Context, Report, Section, Table

_SHORTS = 5
_SECONDS = {False: (20, 600, 180), True: (2, 24, 8)}  # by `quick`: a short film, the long one, one on all units
# Small, so that the bench ends: the order in which chunks are made does not depend on their size.
_SMALL = ("-vf", "scale=360:-2", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "26", "-g", "30", "-c:a", "copy")


def run(context: Context) -> Report:
    """Five short films alone, then behind a long one of another dealer; then one film on two units and on one."""
    short_s, long_s, middle_s = _SECONDS[context.quick]
    short = _ffmpeg(context.folder / "short.mov", "-i", context.films("hevc"), "-t", short_s, *_SMALL)
    long, middle = (_looped(short, seconds) for seconds in (long_s, middle_s))
    preset = context.order.preset
    with crew(context.folder / "mix", as_in_production(2)) as mix:
        mix.wait(mix.send("warm", short, preset))
        context.say(f"{_SHORTS} films of {short_s} s alone")
        alone = mix.wait(*(mix.send("B", short, preset) for _ in range(_SHORTS)))
        context.say(f"the same behind a film of {long_s} s")
        first = mix.send("A", long, preset)
        until(lambda: len(mix.chunks(first)) >= 4)
        shorts = [mix.send("B", short, preset) for _ in range(_SHORTS)]
        mixed = mix.wait(*shorts)
        works, behind = mix.chunks(first), mix.chunks(*shorts)
    on_one, on_two = (_alone(context, count, short, middle) for count in (1, 2))
    took = _in_the_mix(works, mixed)
    speedup = on_one.renditions / on_two.renditions
    return Report(
        tables=(_fair(alone, mixed, took, _overtaken(works, behind), long_s), _faster(on_one, on_two, middle_s)),
        measured={"units-speedup": speedup},
        data={
            "alone": [asdict(way) for way in alone],
            "mixed": [asdict(way) for way in mixed],
            "chunk_s": took,
            "units": {"1": asdict(on_one), "2": asdict(on_two)},
        },
    )


def _alone(context: Context, count: int, warm: Path, film: Path) -> Way:
    """A film on so many units alike that have nothing else to do."""
    with crew(context.folder / f"units-{count}", alike(count)) as units:
        units.wait(*(units.send("warm", warm, context.order.preset) for _ in range(count)))
        context.say(f"one film on {count} unit{'s' * (count > 1)}")
        (way,) = units.wait(units.send("C", film, context.order.preset))
    return way


def _fair(alone: Sequence[Way], mixed: Sequence[Way], took: Sequence[float], overtaken: int, long_s: int) -> Table:
    rows = [
        (
            str(number),
            *_compared(before.playable, after.playable),
            *_compared(before.renditions, after.renditions),
            *_compared(before.ready, after.ready),
        )
        for number, (before, after) in enumerate(zip(alone, mixed, strict=True), 1)
    ]
    worst = max(after.renditions - before.renditions for before, after in zip(alone, mixed, strict=True))
    chunk = median(took)
    note = (
        f"Seconds from a film's last byte; each film unit has a core of its own. "
        f"One chunk of the long film meanwhile took {chunk:.2f} s "
        f"(median of {len(took)}; longest {max(took):.2f} s). Longest delay of all renditions: {worst:.2f} s, "
        f"{worst / chunk:.2f} chunks' time. Chunks of the long film that were begun while one of a short film waited: "
        f"{overtaken}."
    )
    head = ("short film", *(f"{what}: {how}" for what in ("playable", "all renditions", "ready") for how in _HOW))
    return Table(f"Five short films behind another dealer's film of {long_s} s, 2 worker units", head, rows, note)


_HOW = ("alone", "in the mix", "delay")


def _compared(alone: float, mixed: float) -> tuple[str, str, str]:
    return f"{alone:.2f}", f"{mixed:.2f}", f"{mixed - alone:+.2f}"


def _faster(one: Way, two: Way, seconds: int) -> Table:
    rows = [
        (what, f"{before:.2f} s", f"{after:.2f} s", f"{before / after:.2f}×")
        for what, before, after in (
            ("first playable second", one.playable, two.playable),
            ("all renditions", one.renditions, two.renditions),
            ("everything ready", one.ready, two.ready),
        )
    ]
    note = "A worker unit here listens to every queue and has a core of its own: the second one is all that is added."
    return Table(f"One film of {seconds} s, from its last byte", ("", "1 worker unit", "2", "faster"), rows, note)


def _in_the_mix(works: Sequence[Work], mixed: Sequence[Way]) -> list[float]:
    """How long each chunk of the long film took that was made while short ones were on their way, s."""
    first = min(way.sent_at for way in mixed)
    last = max(way.sent_at + way.ready for way in mixed)
    found = [work.made_at - work.started_at for work in works if work.made_at > first and work.started_at < last]
    return found or [work.made_at - work.started_at for work in works]


def _overtaken(works: Sequence[Work], behind: Sequence[Work]) -> int:
    """Chunks of the long film begun while one of a short film stood in the same queue."""
    return sum(
        any(other.queue == work.queue and other.queued_at < work.started_at < other.started_at for other in behind)
        for work in works
    )


def _looped(short: Path, seconds: int) -> Path:
    given = ("-stream_loop", "-1", "-i", short, "-t", seconds, "-c", "copy")
    return _ffmpeg(short.with_name(f"{seconds}s.mov"), *given)


def _ffmpeg(path: Path, *how: object) -> Path:
    words = [str(word) for word in how]
    subprocess.run([engine.executable(), "-v", "error", "-nostdin", "-y", *words, str(path)], check=True)
    return path


SECTION = Section("pool", "One film, the whole pool", order=60, run=run, takes_s=125)
