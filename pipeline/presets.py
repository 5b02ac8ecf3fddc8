"""A preset is a treatment, named by use: how large, how long, how many bits. Written in `presets/NAME.toml`.

Rates are integers in bit/s. An unknown key is an error, and all faults of a file are reported at once, because a typing
error that falls back to a default is found by a customer.
"""

import hashlib
import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

import cattrs
from cattrs.errors import ClassValidationError

from pipeline.errors import PipelineFailed

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


class PresetInvalid(PipelineFailed):
    """The preset does not exist or is wrong; the message holds every fault."""

    reason = "preset-invalid"


@dataclass(frozen=True)
class Limits:
    """What is accepted at all."""

    longest: float  # s of film
    pixels: int  # px in one frame of a film
    photo_pixels: int  # px in a photo
    streams: int  # tracks in one container
    pages: int  # of a document


@dataclass(frozen=True)
class Rung:
    """One size of the ladder; the film's own shape decides the other edge."""

    name: str
    short_edge: int  # px
    maxrate: int  # bit/s, the peak
    bufsize: int  # bit, how long the peak may last


class Encoder(StrEnum):
    """What makes H.264. A plan never says `auto`: it holds what was found to work."""

    AUTO = "auto"  # the first graphics card that works, else x264
    X264 = "x264"
    NVENC = "nvenc"  # NVIDIA
    QSV = "qsv"  # Intel Quick Sync
    VAAPI = "vaapi"  # Intel and AMD


@dataclass(frozen=True)
class Av1:
    """AV1 beside H.264, never alone."""

    least: int  # px, short edge: smaller renditions are H.264 only, unless it is the film's largest
    speed: int  # SVT-AV1's own preset number
    crf: int  # SVT-AV1's constant quality
    share: float  # of the H.264 rendition's peak


@dataclass(frozen=True)
class Picture:
    """How films are encoded."""

    rate: int  # frames per second at most
    speed: str  # x264's own preset name
    tuning: str  # x264's own parameters, laid over that preset
    crf: int  # x264's constant quality
    threads: int  # per encoder
    ladder: tuple[Rung, ...]  # largest first
    encoder: Encoder = Encoder.X264
    av1: Av1 | None = None


@dataclass(frozen=True)
class Hearing:
    """What the sound becomes."""

    bitrate: int  # bit/s of encoded AAC
    rate: int  # Hz
    channels: int
    loudness: float | None = None  # LUFS to level to; absent: as recorded


@dataclass(frozen=True)
class Cut:
    """How a film is cut into chunks and segments."""

    first: float  # s of the first chunk
    others: float  # s of the others
    keyframe: float  # s between two IDR frames


@dataclass(frozen=True)
class Stills:
    """Poster, storyboard and preview."""

    poster_within: float  # s from the start in which the poster is looked for
    poster_edge: int  # px, short edge
    tile_edge: int  # px, long edge of a storyboard tile
    tiles: int  # at most
    tile_every: float  # s between two tiles, at least
    preview_duration: float  # s
    preview_rate: int  # frames per second
    preview_edge: int  # px, short edge


@dataclass(frozen=True)
class Photos:
    """The sizes of a photo."""

    sizes: tuple[int, ...]  # px, long edge
    webp_quality: int
    jpeg_quality: int


@dataclass(frozen=True)
class Mark:
    """Where the dealer's logo goes; shares of the picture's short edge."""

    width: float
    height: float
    margin: float
    opacity: float


@dataclass(frozen=True)
class Preset:
    """A whole treatment."""

    limits: Limits
    picture: Picture
    sound: Hearing
    cut: Cut
    stills: Stills
    photo: Photos
    watermark: Mark


def read(text: str, name: str) -> Preset:
    """The preset a TOML text describes. With `like = "other"` on top it says only what differs from that preset.

    Raises: PresetInvalid naming every fault of the text at once.
    """
    try:
        value: dict[str, Any] = tomllib.loads(text)
        if "like" in value:
            other = tomllib.loads(_text(str(value.pop("like"))))
            value = {room: _laid_over(other.get(room), value.get(room)) for room in other | value}
        return cattrs.Converter(forbid_extra_keys=True).structure(value, Preset)
    except tomllib.TOMLDecodeError as error:
        raise PresetInvalid(f"preset {name}: {error}") from error
    except ClassValidationError as error:
        faults = "; ".join(cattrs.transform_error(error))
        raise PresetInvalid(f"preset {name}: {faults}") from error


def _laid_over(below: Any, above: Any) -> Any:
    if above is None:
        return below
    return {**below, **above} if isinstance(below, dict) and isinstance(above, dict) else above


def _text(name: str) -> str:
    """The preset's own words."""
    file = resources.files("presets") / f"{name}.toml"
    if not NAME.fullmatch(name) or not file.is_file():
        raise PresetInvalid(f"preset {name!r} does not exist")
    return file.read_text("utf-8")


@cache
def load(name: str) -> Preset:
    """The preset of this name from the `presets` folder.

    Raises: PresetInvalid when it does not exist or is wrong.
    """
    return read(_text(name), name)


@cache
def recipe(name: str, encoder: Encoder = Encoder.X264) -> str:
    """What outputs were made with: preset, version and encoder, at most 40 characters."""
    # The treatment itself, not its file: another sentence beside a number is no other recipe.
    from importlib import metadata  # slow to load, and only a new plan asks

    words = f"{metadata.version('walkaround')} {load(name)!r} {encoder}"
    digest = hashlib.sha256(words.encode()).hexdigest()[:8]
    return f"{name}-{digest}"
