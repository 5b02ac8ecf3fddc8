"""How good a made film looks: VMAF of each rendition, shown at 1080 lines by the short edge, against its source."""

import json
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import ffmpeg

from pipeline import picture, plan
from pipeline import source as sources
from pipeline.engine import compiled, run
from pipeline.source import Hdr
from workers.bench.ladders import Variant

BANDWIDTHS = (800_000, 1_500_000, 3_000_000, 6_000_000)  # bit/s
SHOWN = 1080  # px, short edge: a phone's or a laptop's screen


@dataclass(frozen=True)
class Score:
    """VMAF of one rendition: of each frame that was looked at, in their order."""

    each: tuple[float, ...]

    @property
    def mean(self) -> float:
        return sum(self.each) / len(self.each)

    @property
    def low(self) -> float:
        """What 19 of 20 frames reach."""
        return sorted(self.each)[len(self.each) // 20]

    def beginning(self, share: float) -> "Score":
        """Of the first part of the film."""
        return Score(self.each[: max(1, round(len(self.each) * share))])


@dataclass(frozen=True)
class Reference:
    """The film a ladder is held against. `ours`: with the dealer's mark, and of an HDR film with our SDR colours."""

    film: Path
    report: dict[str, Any]  # of `craft.process`: its source and plan
    logo: Path | None = None
    ours: bool = False


def scores(
    reference: Reference, variants: list[Variant], folder: Path, every: int = 7, seconds: float = inf
) -> dict[str, Score]:
    """The score of each rendition, all from one decode of the source. `every` is in frames: neighbours look alike;
    `seconds` is how much of the film is looked at; `folder` is for logs."""
    part = {} if seconds == inf else {"t": seconds}
    picked = _picked(reference, every)
    shown, width, height = _shown(reference, folder, picked, part)
    copies = _split(shown, len(variants))
    logs = [folder / f"vmaf-{number}.json" for number in range(len(variants))]
    outputs = []
    for variant, reference_copy, log in zip(variants, copies, logs, strict=True):
        made = _only(ffmpeg.input(str(variant.playlist), allowed_extensions="ALL", **part)["v:0"], picked)
        made = _clean(made.filter("scale", width, height, flags="bicubic"))
        measured = ffmpeg.filter(
            [made, reference_copy],
            "libvmaf",
            log_fmt="json",
            log_path=str(log),
            n_subsample=3 if picked else every,
            n_threads=2,
            # Of a source with more frames, the one that was kept.
            ts_sync_mode="nearest",
            shortest=1,
        )
        outputs.append(ffmpeg.output(measured, "-", f="null"))
    run(compiled(ffmpeg.merge_outputs(*outputs)))
    return {variant.name: _score(log) for variant, log in zip(variants, logs, strict=True)}


def _picked(reference: Reference, every: int) -> str | None:
    """The frames that have a part in a score: each that is looked at, and for its motion the ones before and after it.

    The scores are the same as with all frames, and most need not be scaled. None where frames cannot be told by their
    number, because the source has more of them than the film.
    """
    decided = plan.from_json(reference.report["plan"]).film
    if every <= 3 or decided is None or decided.keep is not None:
        return None
    return f"lte(mod(n,{every}),1)+eq(mod(n,{every}),{every - 1})"


def _only(node: Any, picked: str | None) -> Any:
    return node if picked is None else node.filter("select", picked)


def _shown(reference: Reference, folder: Path, picked: str | None, part: dict[str, float]) -> tuple[Any, int, int]:
    """The source as it should be shown, and its size, px."""
    film = sources.from_json(reference.report["source"]).film
    decided = plan.from_json(reference.report["plan"])
    assert film is not None
    share = min(1.0, SHOWN / min(film.width, film.height))
    width, height = (round(side * share / 2) * 2 for side in (film.width, film.height))
    mark = None
    if reference.ours and reference.logo is not None and decided.watermark is not None:
        mark = picture.watermark(reference.logo, width, height, decided.watermark, folder / "mark.png")
    if reference.ours and film.hdr is not Hdr.NONE:
        # Other colours than the source's, on purpose; `bench colour` judges them.
        given = _only(ffmpeg.input(str(reference.film), noautorotate=None, **part)[str(film.stream)], picked)
        return _clean(picture.steps(given, film, width=width, height=height, watermark=mark)), width, height
    node = _only(ffmpeg.input(str(reference.film), **part)[str(film.stream)], picked)
    node = node.filter("scale", width, height, flags="bicubic")
    return _clean(picture.marked(node, mark) if mark else node), width, height


def _clean(node: Any) -> Any:
    return (
        node.filter("format", "yuv420p").filter("setsar", 1).filter("settb", "1/90000").filter("setpts", "PTS-STARTPTS")
    )


def _split(node: Any, copies: int) -> list[Any]:
    if copies == 1:
        return [node]
    split = node.filter_multi_output("split", copies)
    return [split[number] for number in range(copies)]


def _score(log: Path) -> Score:
    return Score(tuple(frame["metrics"]["vmaf"] for frame in json.loads(log.read_text())["frames"]))
