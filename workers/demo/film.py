"""The demo film: a hand-held walk from the whole car to its worn brake pad, with sound, as a phone records it."""

import subprocess
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from math import pi, sin
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from pipeline.engine import executable
from workers.demo import brake, workshop

SECONDS, RATE = 14, 30
WIDTH, HEIGHT = 1080, 1920  # px as shown; stored lying on its side
FLASHES = (1.0, 3.0, 5.0)  # s: the lift's lamp lights up and a beep sounds, for 0.2 s
FLASH = 0.2
COARSE = 4  # px of a frame to one of its light
FADE = (7.3, 8.1)  # s: the camera finds its focus on the brake
PLACE = "+48.8720+002.3316+035.000/"  # a square in Paris

# Where the camera looks: time in s, the middle in the scene's units, and how wide it sees.
_WIDE = ((0.0, 770, 1290, 1290), (2.6, 800, 1290, 1250), (5.0, 720, 1270, 1120), (8.1, 497, 1238, 210))
_CLOSE = (
    (7.3, 700, 1230, 1640),
    (8.3, 700, 1225, 1560),
    (10.5, 790, 1120, 1200),
    (12.4, 985, 1000, 800),
    (14.0, 1000, 992, 740),
)
_TORCH = ((7.3, 640, 1400), (9.0, 560, 1330), (10.4, 820, 1180), (12.0, 1090, 930), (14.0, 1085, 925))


def draw(path: Path, seconds: float = SECONDS) -> None:
    """Write the film, or its first `seconds`: H.264 stored 1920 × 1080 with a turn of 90°, AAC.

    Place and device are inside, and the index is at the end.
    """
    flat, sound = path.with_suffix(".flat.mov"), path.with_suffix(".wav")
    _sound(sound)
    _pictures(flat, seconds)
    ffmpeg = executable()
    subprocess.run(
        [
            *(ffmpeg, "-v", "error", "-y", "-nostdin", "-display_rotation", "-90", "-i", str(flat), "-i", str(sound)),
            *("-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "128k", "-shortest"),
            # Keys as an iPhone writes them.
            *("-movflags", "use_metadata_tags", "-metadata", f"location={PLACE}"),
            *("-metadata", f"com.apple.quicktime.location.ISO6709={PLACE}", "-metadata", "make=Apple"),
            *("-metadata", "com.apple.quicktime.make=Apple", "-metadata", "com.apple.quicktime.model=iPhone 15 Pro"),
            *("-metadata", "com.apple.quicktime.software=18.1", "-metadata", "creation_time=2026-05-12T09:41:00Z"),
            str(path),
        ],
        check=True,
    )
    flat.unlink()
    sound.unlink()
    _add_xyz(path)


def _add_xyz(path: Path) -> None:
    """Put the older place atom, ©xyz, beside the keys: phones write both, and ffmpeg one or the other."""
    data = bytearray(path.read_bytes())
    atom = (
        (len(PLACE) + 12).to_bytes(4, "big") + b"\xa9xyz" + len(PLACE).to_bytes(2, "big") + b"\x15\xc7" + PLACE.encode()
    )
    # The user data are the last box of the index, and the index the last of the file.
    for kind in (b"moov", b"udta"):
        at = data.rindex(kind) - 4
        size = int.from_bytes(data[at : at + 4], "big")
        assert at + size == len(data), kind
        data[at : at + 4] = (size + len(atom)).to_bytes(4, "big")
    path.write_bytes(data + atom)


def _pictures(path: Path, seconds: float) -> None:
    # 24 frames in flight at most; two threads, since a frame is mostly one long call into C.
    command = [
        *(executable(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"),
        *("-s", f"{HEIGHT}x{WIDTH}", "-r", str(RATE), "-i", "-"),
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"),
        *(
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-b:v",
            "10M",
            "-maxrate",
            "12M",
            "-bufsize",
            "12M",
            "-g",
            str(RATE),
        ),
        *("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-tune", "zerolatency"),
        *("-threads", "2", str(path)),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:
        assert encoder.stdin is not None
        for picture in frames([n / RATE for n in range(round(seconds * RATE))]):
            encoder.stdin.write(picture.tobytes())
        encoder.stdin.close()
    if encoder.returncode:
        raise RuntimeError(f"ffmpeg ended with {encoder.returncode}")


def frames(times: list[float]) -> Iterator[Image.Image]:
    """The film's frames as stored (lying) at some times in s."""
    scene = _Scene()
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(times), 24):
            yield from pool.map(scene.at, times[start : start + 24])


class _Scene:
    """The drawn pictures, lying on their side as they are stored, from which every frame is taken."""

    def __init__(self) -> None:
        self.wide = workshop.workshop().transpose(Image.Transpose.ROTATE_90)
        self.close = brake.brake().transpose(Image.Transpose.ROTATE_90)

    def at(self, time: float) -> Image.Image:
        wide = close = None
        if time < FADE[1]:
            wide, far = _seen(self.wide, time, _WIDE, workshop.SCALE, (0.0, 0.0), workshop.BEACON)
            if any(start <= time < start + FLASH for start in FLASHES):
                wide = ImageChops.add(wide, _lit(np.clip(1 - far / 460, 0, 1) ** 2, (1.0, 0.7, 0.25)))
        if time >= FADE[0]:
            x, y = _smooth(time, _TORCH)
            close, far = _seen(self.close, time, _CLOSE, 1.0, brake.ORIGIN, (x, y))
            spot = 0.5 + 0.5 / (1 + np.exp((far - 510) / 94)) + 0.05 * np.exp(-(((far - 450) / 60) ** 2))
            close = ImageChops.multiply(close, _lit(spot, (1.2, 1.12, 1.0)))
        if wide is None or close is None:
            return wide or close  # type: ignore[return-value]
        share = (time - FADE[0]) / (FADE[1] - FADE[0])
        return Image.blend(wide, close, share * share * (3 - 2 * share))


def _lit(strength: NDArray[Any], colour: tuple[float, float, float]) -> Image.Image:
    """Light of one colour, its strength 0…1 given coarsely, as large as a frame."""
    coarse = np.clip(strength[..., None] * np.array(colour) * 255, 0, 255).astype(np.uint8)
    return Image.fromarray(coarse).resize((HEIGHT, WIDTH), Image.Resampling.BILINEAR)


def _smooth(time: float, path: tuple[tuple[float, ...], ...]) -> list[float]:
    """Where a path is at a time, slowing down at each of its points; sizes (the fourth value) by ratio."""
    for before, after in pairwise(path):
        if time <= after[0] or after is path[-1]:
            share = min(1.0, max(0.0, (time - before[0]) / (after[0] - before[0])))
            share = share * share * (3 - 2 * share)
            return [
                a * (b / a) ** share if n == 2 else a + (b - a) * share
                for n, (a, b) in enumerate(zip(before[1:], after[1:], strict=True))
            ]
    raise AssertionError(path)


def _seen(
    picture: Image.Image,
    time: float,
    path: tuple[tuple[float, ...], ...],
    scale: float,
    origin: tuple[float, float],
    point: tuple[float, float],
) -> tuple[Image.Image, NDArray[Any]]:
    """What the camera sees of a lying picture, and, coarsely, how far (units) each place in it is from a point.

    The picture has `scale` px per unit, and its corner lies at `origin`.
    """
    x, y, wide = _smooth(time, path)
    step = wide / WIDTH
    # A hand: slow sway, breath, and a little tremor.
    x += (9 * sin(time * 1.7) + 5 * sin(time * 4.1 + 1) + 1.6 * sin(time * 17.3)) * step
    y += (8 * sin(time * 2.1 + 2) + 6 * sin(time * 5.3) + 1.4 * sin(time * 19.1 + 1)) * step
    left, top = x - wide / 2, y - step * HEIGHT / 2
    # Turned left, what was down is right, and what was right is up.
    up = picture.height - (left + wide - origin[0]) * scale
    across = (top - origin[1]) * scale
    area = (across, up, across + step * HEIGHT * scale, up + wide * scale)
    seen = picture.resize((HEIGHT, WIDTH), Image.Resampling.BILINEAR, box=area)
    down = top + (np.arange(HEIGHT // COARSE) + 0.5) * COARSE * step - point[1]
    right = left + wide - (np.arange(WIDTH // COARSE) + 0.5) * COARSE * step - point[0]
    return seen, np.hypot(down[None, :], right[:, None])


def _sound(path: Path) -> None:
    """A workshop: a hum, an impact wrench twice, and a beep with each flash of the lamp; 48 kHz stereo."""
    rate = 48_000
    time = np.arange(SECONDS * rate) / rate
    noise = np.random.default_rng(2).normal(0, 1, time.size)
    air = np.convolve(noise, np.ones(160) / 160, "same")
    sound = 0.02 * np.sin(2 * pi * 100 * time) + 0.01 * np.sin(2 * pi * 200 * time + 1) + 0.12 * air
    for start, length in ((5.9, 0.9), (7.1, 0.6)):
        inside = (time >= start) & (time < start + length)
        local = time[inside] - start
        blow = np.exp(-((local * 22) % 1) * 5)
        whirr = np.sin(2 * pi * (310 + 60 * local) * local)
        sound[inside] += (
            0.22 * blow * (0.6 * noise[inside] + 0.8 * np.sign(whirr)) * np.minimum(1, (length - local) * 12)
        )
    for start in FLASHES:
        inside = (time >= start) & (time < start + FLASH)
        sound[inside] += 0.35 * np.sin(2 * pi * 1000 * (time[inside] - start))
    left = np.clip(sound, -0.95, 0.95)
    right = np.clip(0.9 * sound + 0.03 * np.roll(air, 400), -0.95, 0.95)
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, rate, 0, "NONE", ""))
        file.writeframes((np.stack([left, right], 1) * 32767).astype("<i2").tobytes())
