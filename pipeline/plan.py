"""Every decision, before the first frame is decoded: `Source` + `Index` + `Preset` → `Plan`.

After this nobody asks "is it portrait?" or "is there sound?". A plan is a pure value, kept as JSON on the asset's row;
the crew reads only its `outputs`.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from pipeline.source import converter


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

    name: str  # poster, chunk/0000, storyboard, preview, sizes, document
    queue: Queue
    weight: float  # share of the work, s of film
    ranges: tuple[tuple[int, int], ...] | None = None  # bytes [from, to) it needs; None: the whole file


@dataclass(frozen=True)
class Rendition:
    """One encoded version. Even width and height, square pixels, upright."""

    name: str  # "720p": the short edge
    width: int  # px
    height: int  # px
    maxrate: int  # bit/s
    bufsize: int  # bit


@dataclass(frozen=True)
class Chunk:
    """A run of whole groups of pictures of the source; `first` and `end` are ticks of the source's picture track."""

    number: int
    first: int  # the first frame's time, included
    end: int | None  # the first time that belongs to the next chunk; None: to the end
    start: float  # s on the film's clock
    duration: float  # s
    seek: float | None  # s on the source's clock where the demuxer is put; None: read from the beginning
    frames: int  # frames that come out
    cuts: tuple[float, ...]  # s on the film's clock where its segments start; the first is `start`


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

    renditions: tuple[Rendition, ...]  # largest first
    chunks: tuple[Chunk, ...]
    sound: SoundPlan | None
    time_base: Fraction  # s per tick of the source's picture track
    origin: int  # ticks: the first displayed frame
    duration: float  # s
    rate: Fraction  # frames per second that come out (average)
    keep: Fraction | None  # at most one frame is kept in each 1/keep s of the film's clock; None: all are
    keyframe: float  # s between two IDR frames on the film's clock
    speed: str  # x264's preset
    crf: int
    threads: int  # per encoder
    poster: Poster
    storyboard: Storyboard
    preview: Preview


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

    Raises: cattrs.ClassValidationError if it was written by other code.
    """
    return _CONVERTER.structure(value, Plan)
