"""HDR beside SDR: what an HLG film costs more than the same film in SDR, and how far its colours are from right."""

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from pipeline import engine, measure, picture
from pipeline.colour import WHITE
from pipeline.source import Film, from_json
from workers import process as craft
from workers.bench import eye
from workers.bench.section import Context, Report, Section, Table

# Real phones, beside the bench's own HLG film: Dolby Vision 8.4, an iPhone's HLG, an Android's colour chart.
_REAL = (
    "video-iphone/media__sample_with_color_info.mp4",
    "video-iphone/media__dolbyVision-hdr.MOV",
    "video-iphone/media__sample_edit_list_no_sync_frame_before_edit.mp4",
    "video-android/media__hlg10-color-test.mp4",
)
_CHART = (640, 368, 16)  # px: width, height, and edge of a patch, so that halved colour planes change nothing
_CHARTS = 3
# The frames' own words win over the encoder's options.
_AS_HLG = "setparams=range=tv:color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"
# What a player with time would do; here only to have the same pictures as a phone's SDR film.
_FLOAT_CHAIN = (
    "zscale=transfer=linear:npl=203,format=gbrpf32le,zscale=primaries=bt709,tonemap=mobius,"
    "zscale=transfer=bt709:matrix=bt709:range=tv:dither=ordered,format=yuv420p"
)


@dataclass(frozen=True, slots=True)
class Colours:
    """ΔE2000 of one film's pixels from the reference."""

    film: str
    frames: int
    mean: float
    high: float  # 95th percentile


def run(context: Context) -> Report:
    """Both films in turns, whole making; then colours, the worst film's mean for the target."""
    rounds = _rounds(context)
    ratios = [round(hlg / sdr, 3) for hlg, sdr in rounds]
    colours = list(_colours(context))
    cost = Table(
        "HLG beside SDR",
        ("", "HLG", "the same in SDR", "ratio"),
        [
            (
                "CPU of the whole making, median",
                f"{median(hlg for hlg, _ in rounds):.1f} s",
                f"{median(sdr for _, sdr in rounds):.1f} s",
                f"{median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})",
            )
        ],
        f"{len(rounds)} rounds, in turns; the ratio is the median of the rounds' ratios.",
    )
    far = Table(
        "HLG colours against the float chain",
        ("film", "frames", "mean ΔE2000", "95th percentile"),
        [(f"`{one.film}`", str(one.frames), f"{one.mean:.2f}", f"{one.high:.2f}") for one in colours],
    )
    worst = max(one.mean for one in colours)
    return Report(
        tables=(cost, far),
        measured={"hlg-cpu": median(ratios), "hlg-colour": worst},
        data={
            "rounds": rounds,
            "ratios": ratios,
            "colours": [{"film": one.film, "mean": one.mean, "p95": one.high} for one in colours],
        },
    )


def _rounds(context: Context) -> list[tuple[float, float]]:
    """CPU (s) of HLG and of SDR, in turns."""
    # Most of a film's cost must be its pictures, not what a film has once.
    seconds, times = (1.0, 1) if context.quick else (9.0, 3)
    hlg, sdr = twins(context.films("hlg", seconds), context.folder)
    made = []
    for number in range(times):
        context.say(f"HLG and SDR, round {number + 1} of {times}")
        made.append((_cpu(hlg, context), _cpu(sdr, context)))
    return made


def twins(source: Path, folder: Path) -> tuple[Path, Path]:
    """An HLG film, 10 bit, and the same pictures in SDR, 8 bit: one encoder, one bit rate, one turn, and a key frame
    every second, as phones write them: without, all of it would be one chunk."""
    hlg, sdr = folder / "hlg.mov", folder / "sdr.mov"
    rate = str(source.stat().st_size * 8 // max(1, round(_film(source).duration)))
    x265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error")
    how = (*x265, "-b:v", rate, "-g", "30", "-tag:v", "hvc1")
    for path, given in ((hlg, _AS_HLG), (sdr, _FLOAT_CHAIN)):
        _ffmpeg(
            "-noautorotate",
            "-i",
            source,
            *("-map", "0:v:0", "-map", "0:a:0?", "-c:a", "copy"),
            "-vf",
            given,
            *how,
            path,
        )
    return hlg, sdr


def _cpu(path: Path, context: Context) -> float:
    with tempfile.TemporaryDirectory(dir=context.folder) as folder:
        Path(folder).chmod(0o711)
        cpu: float = craft.process(path, lambda _kind: Path(folder) / "out", context.order)["usage"]["cpu_s"]
    return cpu


def _colours(context: Context) -> Iterator[Colours]:
    yield compared(painted(context.folder), "painted chart", _CHARTS)
    media = context.films.media
    real = [media / name for name in _REAL if (media / name).exists()] if media and not context.quick else []
    for path in (context.films("hlg", 1 if context.quick else None), *real):
        context.say(f"colours of {path.name}")
        yield compared(path, path.name, 6)


def compared(path: Path, name: str, frames: int) -> Colours:
    """ΔE2000 of what `picture` makes, at the film's own size, from the reference.

    Every second pixel of every second line, so that no side is judged by how it enlarges the halved colour planes.
    """
    film = replace(_film(path), rotation=0, mirrored=False)
    step = max(1, film.frames // frames)
    far = []
    for coded, made in zip(
        _frames(path, film, step, frames, None), _frames(path, film, step, frames, film), strict=True
    ):
        wanted = eye.rendered(coded, film.hdr, full_range=film.full_range)
        far.append(eye.distance(eye.lab(wanted), eye.lab(eye.shown(made))).ravel())
    every = np.concatenate(far)
    return Colours(name, len(far), round(float(every.mean()), 2), round(float(np.percentile(every, 95)), 2))


def _film(path: Path) -> Film:
    film = from_json(measure.measure(path, "workshop", False)["source"]).film
    assert film is not None
    return film


def _frames(path: Path, film: Film, step: int, most: int, developed: Film | None) -> Iterator[NDArray[Any]]:
    """Frames as (height / 2, width / 2, 3): Y, Cb, Cr as coded (10 bit), or as developed for a viewer (8 bit)."""
    width, height = film.coded_width // 2 * 2, film.coded_height // 2 * 2
    node = ffmpeg.input(str(path), noautorotate=None)[str(film.stream)].filter("select", f"not(mod(n,{step}))")
    if developed is not None:
        node = picture.steps(node, developed, width=width, height=height)
    form, kind = ("yuv420p", np.dtype("u1")) if developed else ("yuv420p10le", np.dtype("<u2"))
    asked = node.output("pipe:", f="rawvideo", pix_fmt=form, fps_mode="passthrough", **{"frames:v": most}).get_args()
    raw = np.frombuffer(_ffmpeg(*asked), kind).reshape(-1, width * height * 3 // 2)
    for frame in raw:
        luma = frame[: width * height].reshape(height, width)[::2, ::2]
        other = frame[width * height :].reshape(2, height // 2, width // 2)
        yield np.stack([luma, other[0], other[1]], -1)


def painted(folder: Path) -> Path:
    """A film of patches in every hue, from grey to strong and from shadow to lamps, coded without loss."""
    width, height, patch = _CHART
    dice = np.random.default_rng(2)
    count = (width // patch) * (height // patch) * _CHARTS
    # Most things are not gaudy, and most are darker than paper: as in films of cars.
    hue, strong, bright = dice.random(count) * 6, dice.beta(1.5, 3, count), np.exp(dice.normal(-1.2, 0.9, count))
    turn = (np.array([5, 3, 1]) + hue[:, None]) % 6
    pure = 1 - strong[:, None] * np.clip(np.minimum(turn, 4 - turn), 0, 1)
    light = pure**2.2 * np.minimum(bright, 4)[:, None] * WHITE
    red, green, blue = eye.hlg_signal(light @ np.linalg.inv(eye.TO_709).T).T
    luma = np.stack([red, green, blue], -1) @ eye.LUMA_2020
    planes = (64 + 876 * luma, 512 + 896 * (blue - luma) / 1.8814, 512 + 896 * (red - luma) / 1.4746)
    raw = b""
    for number in range(_CHARTS):
        for plane, edge in zip(planes, (patch, patch // 2, patch // 2), strict=True):
            part = plane.reshape(_CHARTS, height // patch, width // patch)[number]
            raw += np.kron(np.clip(np.round(part), 4, 1019), np.ones((edge, edge))).astype("<u2").tobytes()
    source, path = folder / "chart.raw", folder / "chart.mov"
    source.write_bytes(raw)
    given = ("-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", f"{width}x{height}", "-r", "30", "-i", source)
    _ffmpeg(
        *given,
        "-vf",
        _AS_HLG,
        *("-c:v", "libx265", "-tag:v", "hvc1", "-x265-params", "lossless=1:log-level=error"),
        path,
    )
    return path


def _ffmpeg(*args: object) -> bytes:
    command = [engine.executable(), "-v", "error", "-nostdin", "-y", *map(str, args)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


SECTION = Section("colour", "HDR beside SDR: CPU and colours", order=70, run=run, takes_s=120)
