"""Paints clips for tests: every frame shows its number, so that a decoded frame tells which one it is.

The number is written as a row of black and white squares along the top edge (least significant bit left), large enough
to survive scaling to a few hundred pixels and a low quality. `read_number` reads it back from a decoded picture.
"""

import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg

BITS = 10  # 1,024 frames are enough for a test

ENCODERS: dict[str, list[str]] = {
    "h264": ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-threads", "1"],
    "h264-b": ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-b_strategy", "0", "-threads", "1"],
    "hevc": ["-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1"],
    "vp8": ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M"],
    "vp9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M"],
    "mpeg4": ["-c:v", "mpeg4", "-q:v", "4"],
    "mjpeg": ["-c:v", "mjpeg", "-q:v", "4"],
}


def ffmpeg(*args: object) -> None:
    """Runs the bundled ffmpeg; its last words are the error's message."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "error", "-y", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())


def number_filter(size: tuple[int, int], rate: int, then: str = "null") -> str:
    """A filter graph that writes the frame's number as squares over the top eighth of the picture."""
    cell, high = size[0] // BITS, size[1] // 8 // 2 * 2
    bits = f"nullsrc=size={BITS}x2:rate={rate},format=gray,geq=lum='if(mod(floor(N/pow(2,X)),2),235,16)'"
    row = f"{bits},scale={cell * BITS}:{high}:flags=neighbor,format=yuv420p[row]"
    return f"{row};[0:v][row]overlay=shortest=1,{then},format=yuv420p[v]"


def paint(
    path: Path,
    *,
    seconds: float = 2,
    size: tuple[int, int] = (320, 240),
    rate: int = 30,
    codec: str = "h264",
    rotation: int = 0,
    mirrored: bool = False,
    audio: bool = True,
    audio_codec: str | None = None,
    audio_delay: float = 0.0,
    audio_seconds: float | None = None,
    tone: str = "sine=frequency=440:sample_rate=48000",
    gop: int = 30,
    metadata: dict[str, str] | None = None,
    video_filter: str = "null",
    extra: list[str] | None = None,
) -> Path:
    """Paints a clip and returns its path; the container follows from the suffix.

    `rotation` (degrees clockwise a player must turn it) and `mirrored` (left-right, before turning) go into the display
    matrix, so the stored picture is `size` and lies on its side. `gop` is the distance of key frames in frames.
    `metadata` is written into the container. `extra` are further output options of ffmpeg, last.
    """
    turned = bool(rotation or mirrored)
    target = path.with_name(f"{path.stem}-flat{path.suffix}") if turned else path
    args: list[Any] = ["-f", "lavfi", "-i", f"testsrc2=size={size[0]}x{size[1]}:rate={rate}:duration={seconds}"]
    if audio:
        args += ["-itsoffset", audio_delay, "-f", "lavfi", "-t", audio_seconds or max(0.1, seconds - audio_delay)]
        args += ["-i", tone]
    args += ["-filter_complex", number_filter(size, rate, video_filter), "-map", "[v]"]
    args += ["-map", "1:a"] if audio else []
    args += [*ENCODERS[codec], "-g", gop, "-fps_mode", "passthrough"]
    if codec.startswith("h264"):
        args += ["-keyint_min", gop, "-sc_threshold", 0]
    if codec == "hevc":
        args += [
            "-x265-params",
            f"keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=1:bframes=3:log-level=none:pools=1",
        ]
    if audio:
        args += ["-c:a", audio_codec or ("libopus" if path.suffix == ".webm" else "aac"), "-ac", 2]
    for key, value in (metadata or {}).items():
        args += ["-metadata", f"{key}={value}"]
    if path.suffix == ".mov":
        args += ["-movflags", "use_metadata_tags"]
    ffmpeg(*args, *(extra or []), target)
    if turned:
        # ffmpeg turns counter-clockwise and mirrors after turning; we turn clockwise and mirror before.
        flat = [
            "-display_rotation",
            rotation if mirrored else -rotation,
            *(["-display_hflip"] if mirrored else []),
            "-i",
            target,
        ]
        ffmpeg(*flat, "-map", 0, "-c", "copy", "-map_metadata", 0, path)
        target.unlink()
    return path


def read_number(grey: Any) -> int:
    """The frame number painted into a picture, given as an array of luma (rows, columns)."""
    height, width = grey.shape[:2]
    row, cell = grey[height // 16], width / BITS
    return sum((1 << bit) for bit in range(BITS) if row[int((bit + 0.5) * cell)] > 125)
