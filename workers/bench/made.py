"""What a contender did with a film: what it cost, when it could be played, and the ladder it left."""

from dataclasses import dataclass, replace

from workers.bench import ladders


@dataclass(frozen=True)
class Made:
    """What a contender did; s, bytes."""

    cpu_s: float
    wall_s: float
    first_s: float  # until a player could show the first second
    ready_s: float  # until all renditions were there
    peak_rss_bytes: int
    variants: tuple[ladders.Variant, ...]
    by_output: dict[str, float]
    chunks: tuple[tuple[float, float], ...] = ()  # of ours: s of film, s of CPU

    def beginning(self, seconds: float) -> tuple["Made", float]:
        """What our first chunks of about `seconds` cost, with their share of the rest of the film's work (stills,
        measuring, parent); and how long they are. Clocks are shortened alike."""
        taken: list[tuple[float, float]] = []
        for chunk in self.chunks:
            if sum(long for long, _ in taken) > seconds - chunk[0] / 2:
                break
            taken.append(chunk)
        long, cpu = (sum(part) for part in zip(*taken, strict=True))
        whole, chunks = (sum(part) for part in zip(*self.chunks, strict=True))
        cpu += (self.cpu_s - chunks) * long / whole
        share = cpu / self.cpu_s
        part = replace(
            self,
            cpu_s=cpu,
            wall_s=self.wall_s * share,
            ready_s=max(self.first_s, self.ready_s * share),
            variants=tuple(variant.beginning(long) for variant in self.variants),
            by_output={},
            chunks=tuple(taken),
        )
        return part, long
