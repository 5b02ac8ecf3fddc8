"""What was decided about a file, as values.

After this nobody asks "is it portrait?" or "is there sound?". A plan is a pure value, kept as JSON on the asset's row;
the crew reads only its `outputs`.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from pipeline.cut import Chunk
from pipeline.ladder import Codec, Rendition
from pipeline.presets import Av1, Encoder
from pipeline.source import converter, read

__all__ = ["Chunk", "Codec", "Rendition"]


class Queue(StrEnum):
    """How urgent an output is."""

    EXPRESS = "express"
    FILM = "film"
    LATER = "later"


class Hear(StrEnum):
    """What happens to the sound: its packets are right already, or it is encoded."""

    COPY = "copy"
    ENCODE = "encode"


@dataclass(frozen=True)
class Output:
    """One thing that must exist."""

    name: str  # poster, chunk/0000, chunk/0000-rest, storyboard, preview, sizes, document
    queue: Queue
    weight: float  # share of the work, s of film
    ranges: tuple[tuple[int, int], ...] | None = None  # bytes [from, to) it needs; None: the whole file
    reads: str | None = None  # a digest of all that its making reads of source and plan; None: all of both


@dataclass(frozen=True)
class SoundPlan:
    """The sound of every rendition."""

    hear: Hear
    rate: int  # Hz
    channels: int
    bitrate: int  # bit/s, encoded only
    gain: float = 0.0  # dB, constant over the film; other than 0 only when the preset levels


@dataclass(frozen=True)
class Poster:
    """Where the poster is looked for, and how large it is."""

    start: float  # s on the source's clock
    within: float  # s
    width: int  # px
    height: int


@dataclass(frozen=True)
class Storyboard:
    """The small pictures above the seek bar, row by row in one JPEG."""

    every: float  # s between two tiles
    columns: int
    rows: int
    count: int
    tile_width: int  # px
    tile_height: int


@dataclass(frozen=True)
class Preview:
    """A short silent moving picture."""

    start: float  # s on the source's clock
    duration: float  # s
    rate: int  # frames per second
    width: int  # px
    height: int


@dataclass(frozen=True)
class FilmPlan:
    """Everything about a film. The film's clock is the source's clock minus `origin`."""

    renditions: tuple[Rendition, ...]  # largest first; those in AV1 after all in H.264
    chunks: tuple[Chunk, ...]
    sound: SoundPlan | None
    time_base: Fraction  # s per tick of the source's picture track
    origin: int  # ticks: the first displayed frame
    duration: float  # s
    rate: Fraction  # frames per second that come out (average, or the most where frames of a changing rate are dropped)
    keep: Fraction | None  # the same, where frames are dropped; None: all are kept
    apart: int | None  # ticks from a kept frame to the next, at least; None: all are kept
    speed: str  # x264's preset
    tuning: str  # x264's parameters over it
    crf: int
    threads: int  # per encoder
    poster: Poster
    storyboard: Storyboard
    preview: Preview
    encoder: Encoder = Encoder.X264  # of H.264; one for all chunks, and another only where the crew found a card
    av1: Av1 | None = None  # how the renditions in AV1 are encoded
    fragmented: bool = False  # what has ranges is made of a film of just the fragments in them
    opening: str | None = None  # the rendition of the first chunk that is made before its others; None: all at once

    def holds(self, name: str) -> tuple[Chunk, tuple[Rendition, ...]]:
        """The chunk that an output called `chunk/…` holds, and in which renditions."""
        number, _, rest = name.removeprefix("chunk/").partition("-")
        chunk = self.chunks[int(number)]
        if self.opening is None or chunk.number > 0:
            return chunk, self.renditions
        return chunk, tuple(one for one in self.renditions if (one.name == self.opening) is not bool(rest))


@dataclass(frozen=True)
class PhotoPlan:
    """The sizes of a photo, smallest first, never larger than the photo."""

    sizes: tuple[tuple[int, int], ...]  # width, height in px
    webp_quality: int
    jpeg_quality: int


@dataclass(frozen=True)
class WatermarkPlan:
    """The box the logo is fitted into, as shares of the picture's short edge."""

    width: float
    height: float
    margin: float
    opacity: float


@dataclass(frozen=True)
class Plan:
    """Every decision about one file."""

    recipe: str
    preset: str
    outputs: tuple[Output, ...]  # in order of urgency
    watermark: WatermarkPlan | None = None
    film: FilmPlan | None = None
    photo: PhotoPlan | None = None


_CONVERTER = converter()


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values."""
    value: dict[str, Any] = _CONVERTER.unstructure(plan)
    return value


def from_json(value: dict[str, Any]) -> Plan:
    """The plan back from JSON values.

    Raises: PlanOutdated if it was written by other code.
    """
    return read(value, Plan)
