"""Painted HDR and SDR patches for the tests of `picture`: coded frames in, what a viewer's screen shows out."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
from painting import ffmpeg as run

from pipeline import picture
from pipeline.source import Fields, Film, Hdr

PATCH = 32  # px

FILM = Film(
    stream=0, codec="hevc", profile="", coded_width=256, coded_height=64, sample_aspect=Fraction(1), mirrored=False,
    rotation=0, width=256, height=64, pixel_format="yuv420p", bits=8, full_range=False, matrix="bt709",
    primaries="bt709", transfer="bt709", hdr=Hdr.NONE, fields=Fields.PROGRESSIVE, rate=Fraction(30), variable=False,
    time_base=Fraction(1, 600), start=0.0, duration=1.0, frames=30,
)  # fmt: skip
WIDE = {"pixel_format": "yuv420p10le", "bits": 10, "matrix": "bt2020nc", "primaries": "bt2020"}
HLG = replace(FILM, **WIDE, transfer="arib-std-b67", hdr=Hdr.HLG)
PQ = replace(FILM, **WIDE, transfer="smpte2084", hdr=Hdr.PQ)


def hlg_signal(nits: Any) -> Any:
    """HLG signals (R'G'B', 0…1) of display light on a 1000 cd/m² screen. Source: ITU-R BT.2100-2, table 5."""
    light = np.maximum(np.asarray(nits, float) / 1000, 1e-9)
    luma = light @ [0.2627, 0.678, 0.0593]
    scene = light * luma[:, None] ** (1 / 1.2 - 1)
    log = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), log)


def coded(signals: Any, *, red: float, blue: float, bits: int, full: bool = False) -> bytes:
    """One row of patches of these signals as planar 4:2:0, little-endian."""
    r, g, b = np.asarray(signals, float).T
    luma = red * r + (1 - red - blue) * g + blue * b
    u, v = (b - luma) / (2 * (1 - blue)), (r - luma) / (2 * (1 - red))
    step = 1 << (bits - 8)
    lift, high, wide = (0, 255 * step, 255 * step) if full else (16 * step, 219 * step, 224 * step)
    planes = (lift + high * luma, 128 * step + wide * u, 128 * step + wide * v)
    form = "<u2" if bits > 8 else "u1"
    made = b""
    for plane, side in zip(planes, (PATCH, PATCH // 2, PATCH // 2), strict=True):
        row = np.repeat(np.round(plane).astype(form), side)
        made += np.repeat(row[None], side, 0).tobytes()
    return made


def developed(raw: bytes, count: int, film: Film, folder: Path, height: int = PATCH) -> Any:
    """What `picture.steps` makes of one row of patches: (Y, Cb, Cr) of each, 8 bit limited range."""
    width, source, shown = count * PATCH, folder / "in.raw", folder / "out.raw"
    source.write_bytes(raw)
    shaped = replace(film, coded_width=width, coded_height=height, width=width, height=height)
    node = ffmpeg.input(str(source), f="rawvideo", pix_fmt=film.pixel_format, s=f"{width}x{height}").video
    node = picture.steps(node, shaped, width=width, height=height)
    run(*node.output(str(shown), f="rawvideo").get_args())
    data = np.frombuffer(shown.read_bytes(), np.uint8).astype(int)
    size = width * height
    middle = [n * PATCH + PATCH // 2 for n in range(count)]
    luma = data[:size].reshape(height, width)[PATCH // 2, middle]
    half = [n // 2 for n in middle]
    u, v = (
        data[size + n * size // 4 :][: size // 4].reshape(height // 2, width // 2)[PATCH // 4, half] for n in (0, 1)
    )
    return np.stack([luma, u, v], 1)


def lab(linear: Any) -> Any:
    """CIE L*a*b* of linear bt709 light (1 = white)."""
    xyz = (
        np.asarray(linear) @ np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]).T
    )
    x, y, z = np.moveaxis(np.where(xyz / [0.9505, 1, 1.089] > 0.008856, np.cbrt(xyz / [0.9505, 1, 1.089]),
                                   7.787 * xyz / [0.9505, 1, 1.089] + 16 / 116), -1, 0)  # fmt: skip
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def seen(yuv: Any) -> Any:
    """Linear bt709 light of (Y, Cb, Cr) on a screen with gamma 2.4 (BT.1886)."""
    y, u, v = ((yuv - [16, 128, 128]) / [219, 224, 224]).T
    r, b = y + 1.5748 * v, y + 1.8556 * u
    return np.clip(np.stack([r, (y - 0.2126 * r - 0.0722 * b) / 0.7152, b], 1), 0, 1) ** 2.4


def first_frame(path: Path, film: Film, width: int, height: int, folder: Path, mark: Any = None) -> Any:
    """The first frame of a file after `deinterlace` and `steps`, as RGB (height, width, 3)."""
    shown = folder / "frame.rgb"
    node = ffmpeg.input(str(path), noautorotate=None).video
    node = picture.steps(picture.deinterlace(node, film), film, width=width, height=height, watermark=mark)
    node = node.filter("scale", in_color_matrix="bt709", in_range="tv")
    run(*node.output(str(shown), f="rawvideo", pix_fmt="rgb24", **{"frames:v": 1}).get_args())
    return np.frombuffer(shown.read_bytes(), np.uint8).reshape(height, width, 3).astype(int)
