"""What a file is, as displayed, in our own types: written by `probe`, `photo` and `document`, read by all.

A `Source` is measured once, kept on the asset's row as JSON and never changed. It holds no engine's value: what a
container says in its own words (a display matrix, a side-data block, a codec tag) became these words at the door.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.errors import PlanOutdated

if TYPE_CHECKING:
    import cattrs  # at need otherwise: the kind of a file is told without it


class Kind(StrEnum):
    """What a stranger's file turned out to be."""

    FILM = "film"
    PHOTO = "photo"
    DOCUMENT = "document"


class Hdr(StrEnum):
    """How bright the picture was meant to be. Dolby Vision 8.4 has an HLG base and counts as `HLG`, 8.1 as `PQ`."""

    NONE = "none"
    HLG = "hlg"
    PQ = "pq"


class Fields(StrEnum):
    """Which lines of an interlaced picture come first."""

    PROGRESSIVE = "progressive"
    TOP = "top"
    BOTTOM = "bottom"


@dataclass(frozen=True)
class Sound:
    """The one audio track worth keeping. Times are on the file's presentation clock."""

    stream: int  # index in the container, as ffmpeg's `0:N`
    codec: str  # "aac", "pcm_s16le", "opus", …
    profile: str  # "LC", "HE-AAC", "" when the codec has none
    channels: int
    rate: int  # Hz
    time_base: Fraction  # s per tick
    start: float  # s, when the first sample is heard
    end: float  # s, when the last sample ends
    whole: bool  # no hole and no overlap above 20 ms between packets


@dataclass(frozen=True)
class Film:
    """The picture track, as a viewer sees it. Times are on the file's presentation clock, before any shift."""

    stream: int  # index in the container, as ffmpeg's `0:N`
    codec: str  # "h264", "hevc", "vp9", …
    profile: str
    coded_width: int  # px as stored, before rotation and pixel shape
    coded_height: int
    sample_aspect: Fraction  # width/height of one stored pixel
    mirrored: bool  # flip left-right first …
    rotation: int  # … then turn by this many degrees clockwise: 0, 90, 180 or 270
    width: int  # px as displayed: upright, square pixels; may be odd
    height: int
    pixel_format: str  # ffmpeg's name, "yuv420p10le"
    bits: int  # per component
    full_range: bool  # 0…255 rather than 16…235
    matrix: str  # ffmpeg's names, with unknowns already guessed as players guess them: "bt709", "bt2020nc", "smpte170m"
    primaries: str  # "bt709", "bt2020", "smpte432" …
    transfer: str  # "bt709", "arib-std-b67", "smpte2084" …
    hdr: Hdr
    fields: Fields
    rate: Fraction  # frames per second, true average as displayed (never the container's claim)
    variable: bool  # distances between frames differ by more than a tick's rounding
    time_base: Fraction  # s per tick of the picture track
    start: float  # s, when the first frame is displayed
    duration: float  # s, first frame's start to last frame's end
    frames: int  # displayed frames


@dataclass(frozen=True)
class Photo:
    """A still picture, upright."""

    format: str  # "JPEG", "HEIF", "PNG", "WEBP", "AVIF", "GIF"
    width: int  # px, upright
    height: int


@dataclass(frozen=True)
class Document:
    """A file to download."""

    pages: int


@dataclass(frozen=True)
class Source:
    """A measured file. Exactly one of `film`, `photo` and `document` is set, and `kind` says which."""

    kind: Kind
    container: str  # the sniffed format, as the demuxer is called: "mov", "matroska", "jpeg", "pdf", …
    bytes: int
    duration: float | None = None  # s, films only
    film: Film | None = None
    sound: Sound | None = None
    photo: Photo | None = None
    document: Document | None = None
    private: tuple[str, ...] = ()  # every personal string found inside; `proof` looks for them in what is made


def converter() -> "cattrs.Converter":
    """Turns our frozen dataclasses into JSON values and back; a rate is written as "30000/1001"."""
    import cattrs

    made = cattrs.Converter(forbid_extra_keys=True)
    made.register_unstructure_hook(Fraction, lambda value: f"{value.numerator}/{value.denominator}")
    # Plain words, not members: some writers of JSON would spell the member.
    made.register_unstructure_hook(StrEnum, lambda value: value.value)
    made.register_structure_hook(Fraction, lambda value, _: Fraction(value))
    return made


_converter = cache(converter)
_Value = TypeVar("_Value")


def to_json(source: Source) -> dict[str, Any]:
    """The source as JSON values."""
    value: dict[str, Any] = _converter().unstructure(source)
    return value


def from_json(value: dict[str, Any]) -> Source:
    """The source back from JSON values.

    Raises: PlanOutdated if it was written by other code.
    """
    return read(value, Source)


def read(value: dict[str, Any], kind: type[_Value]) -> _Value:
    """One of our values back from JSON values.

    Raises: PlanOutdated if it was written by other code.
    """
    import cattrs

    try:
        return _converter().structure(value, kind)
    except cattrs.BaseValidationError as error:
        raise PlanOutdated("; ".join(cattrs.transform_error(error))) from error
