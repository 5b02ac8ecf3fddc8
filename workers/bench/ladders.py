"""Finished HLS ladders, anybody's, read from their playlists: sizes, rates, and which rendition a line carries."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

# Source: RFC 8216, 4.1: the peak is taken over runs of segments that last 0.5 to 1.5 target durations.
_RUN = (0.5, 1.5)


@dataclass(frozen=True)
class Variant:
    """One rendition as it was made, sound included."""

    name: str
    playlist: Path
    segments: tuple[tuple[int, float], ...]  # bytes, s

    @property
    def bytes(self) -> int:
        return sum(size for size, _ in self.segments)

    @property
    def average(self) -> int:
        """Bit/s over the whole film."""
        return round(self.bytes * 8 / sum(seconds for _, seconds in self.segments))

    @property
    def peak(self) -> int:
        """Bit/s of its heaviest run of segments: what a multivariant playlist calls BANDWIDTH."""
        target = max(round(seconds) for _, seconds in self.segments)
        peak = self.average
        for start in range(len(self.segments)):
            size = seconds = 0.0
            for more, longer in self.segments[start:]:
                size, seconds = size + more, seconds + longer
                if seconds > _RUN[1] * target:
                    break
                if seconds >= _RUN[0] * target:
                    peak = max(peak, round(size * 8 / seconds))
        return peak

    def beginning(self, seconds: float) -> "Variant":
        """Its segments that begin before `seconds`."""
        starts = [sum(long for _, long in self.segments[:number]) for number in range(len(self.segments))]
        taken = tuple(segment for at, segment in zip(starts, self.segments, strict=True) if at < seconds - 0.1)
        return replace(self, segments=taken)


def read(playlist: Path) -> Variant:
    """A media playlist and the sizes of what it lists."""
    found: list[tuple[int, float]] = []
    seconds, size = 0.0, None
    for line in playlist.read_text().splitlines():
        if line.startswith("#EXTINF:"):
            seconds = float(line[8:].split(",")[0])
        elif line.startswith("#EXT-X-BYTERANGE:"):
            size = int(re.split("[:@]", line)[1])
        elif line and not line.startswith("#"):
            found.append((size if size is not None else (playlist.parent / line).stat().st_size, seconds))
            size = None
    return Variant(playlist.stem, playlist, tuple(found))


def best(variants: list[Variant], bandwidth: int) -> tuple[Variant, bool]:
    """What a player shows on a line of `bandwidth` bit/s, and whether it fits.

    One rule for everybody: the heaviest rendition of which the measured peak is not above the bandwidth, which is how
    players choose by BANDWIDTH and how nothing ever stalls. Where none fits, the lightest.
    """
    ordered = sorted(variants, key=lambda variant: variant.peak)
    fitting = [variant for variant in ordered if variant.peak <= bandwidth]
    return (fitting[-1], True) if fitting else (ordered[0], False)
