"""What came out of a comparison: a film, who had it, what each cost, and how each looks on a line of a given width."""

from dataclasses import dataclass
from math import inf
from statistics import median

from workers.bench import ladders, quality
from workers.bench.made import Made


@dataclass(frozen=True)
class Case:
    """One film for some contenders."""

    key: str
    film: str
    seconds: float | None  # s of it; None: all
    names: tuple[str, ...]
    every: int = 11  # frames: of which VMAF is taken. Odd, and no part of a group: else one ladder shows
    # only its better frames, and another, cut elsewhere, its worse ones
    looked_s: float = inf  # s of it: of which VMAF is taken
    part_of: str | None = None  # the case with the whole film, out of which ours is taken; None: it is made


@dataclass(frozen=True)
class Found:
    """One contender on one film: what each round cost, and the scores of its renditions."""

    rounds: tuple[Made, ...]
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

    def beginning(self, seconds: float, looked_s: float) -> "Found":
        """Of ours: what about these first seconds of the film cost, and how they look."""
        parts = [made.beginning(seconds) for made in self.rounds]
        long = parts[0][1]
        scores = {name: score.beginning(long / min(self.seconds, looked_s)) for name, score in self.scores.items()}
        return Found(tuple(made for made, _ in parts), scores, long)


def ratio(found: dict[str, Found], other: str, what: str = "cpu_s") -> float:
    """Ours over another's, a second of film: the median of the rounds, in each of which both ran."""
    pairs = zip(found["ours"].rounds, found[other].rounds, strict=True)
    longer = found[other].seconds / found["ours"].seconds
    return float(median(getattr(mine, what) / getattr(theirs, what) for mine, theirs in pairs)) * longer


def worse_seen(found: dict[str, Found], other: str) -> float:
    """VMAF as seen, ours less the other's, where it is smallest."""
    return min(found["ours"].seen(line)[2] - found[other].seen(line)[2] for line in quality.BANDWIDTHS)
