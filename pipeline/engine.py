"""ffmpeg as a child process: explicit inputs, progress, its last words when it fails.

`reading` is how every input of a stranger is opened: one demuxer, one protocol, a closed list of decoders. It never
opens a name that came from a user and never reaches the network.
"""

import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.errors import EngineFailed

Progress = Callable[[float], None]

# What phones, action cameras, browsers and screen recorders write. Everything else is refused before decoding, because
# each decoder is a parser of a stranger's bytes. Names are ffmpeg's decoder names.
PICTURE_DECODERS = (
    *("h264", "hevc", "h263", "mpeg4", "mpeg2video", "mpeg1video", "vp8", "vp9", "libvpx", "libvpx-vp9"),
    *("av1", "libdav1d", "mjpeg", "prores", "dvvideo", "vvc"),
)
SOUND_DECODERS = (
    *("aac", "mp3", "mp3float", "mp2", "mp2float", "opus", "libopus", "vorbis", "libvorbis", "flac", "alac"),
    *("ac3", "eac3", "amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb", "adpcm_ima_qt"),
    *("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be"),
    *("pcm_u8", "pcm_s8", "pcm_mulaw", "pcm_alaw", "pcm_bluray", "pcm_dvd"),
)

# How 7.1 and less becomes stereo: by the standard matrix. maxval: normalised, or eight loud channels add up to 8 dB
# above full scale; ffmpeg does so by itself for whole numbers only, and AAC decodes to floats. lfe: a motor's rumble
# may be in no other channel, and ffmpeg would leave it out. Source: ITU-R BS.775, downward mixing.
FOLD = {"rematrix_maxval": 1.0, "lfe_mix_level": 0.5}

# Bytes one allocation of ffmpeg may ask for: an 8K frame in 10 bits is 100 MB.
MAX_ALLOC = 512 * 2**20


@cache
def executable() -> str:
    """The path of the bundled ffmpeg. The package's own search starts it once to see whether it runs, in every child.

    Raises: EngineFailed where the package has none for this machine.
    """
    package = find_spec("imageio_ffmpeg")
    for folder in (package.submodule_search_locations if package else None) or ():
        for path in sorted(Path(folder, "binaries").glob("ffmpeg-*")):
            return str(path)
    raise EngineFailed("imageio-ffmpeg brings no ffmpeg for this machine")


def options(container: str, *, streams: int = 64) -> dict[str, str]:
    """The demuxer's options for a stranger's file, for ffmpeg and for PyAV's `container_options` alike.

    `container` is the format that `sniff` named; `streams` the most tracks that are opened.
    """
    return {
        # No other file, and no network, can be named by what is inside this one.
        "protocol_whitelist": "file",
        # A playlist or script that calls itself a film finds no demuxer.
        "format_whitelist": container,
        "codec_whitelist": ",".join(PICTURE_DECODERS + SOUND_DECODERS),
        # A table of 10,000 tracks costs memory before anything else can refuse it.
        "max_streams": str(streams),
    }


def unseen(container: str, *, streams: int = 64) -> list[dict[str, str]]:
    """Options of each stream, for PyAV, where only an ISO file's tables and packets are read: opening it decodes no
    picture to learn what that looks like (H.264 at 17 Mbit/s: 8 ms instead of 55). Other files know less of themselves.
    """
    return [{"skip_frame": "all"}] * streams if container == "mov" else []


def reading(container: str, *, streams: int = 64) -> dict[str, str]:
    """`options` and the forced demuxer, as keyword arguments of `ffmpeg.input`."""
    return {"f": container, **options(container, streams=streams)}


def until(end: Fraction, start: Fraction) -> str:
    """When to stop reading, s on the source's clock: not before `end`. Where nothing is sought the engine counts from
    the first frame, so that a film whose own `start` is negative would end too early."""
    return f"{float(end - min(start, Fraction(0))):.6f}"


def run(
    args: Sequence[str],
    *,
    duration: float | None = None,
    start: float = 0.0,
    on_progress: Progress | None = None,
    level: str = "warning",
) -> str:
    """Runs ffmpeg with these arguments to its end, and returns what it logged.

    `duration` and `start` (s on the output's clock) turn its position into a progress of 0…1. `level` is how much it
    logs; what is printed below a warning is needed only to read a measurement.

    Raises: EngineFailed with its last log line.
    """
    command = [
        executable(),
        *("-nostdin", "-hide_banner", "-y"),
        # Several jobs run beside each other: slices of one picture on all cores cost 2 % more CPU, and no time less.
        *("-filter_threads", "1", "-filter_complex_threads", "1"),
        # Warnings hold the cause; the default would also log every option.
        *("-loglevel", f"level+{level}"),
        *("-max_alloc", str(MAX_ALLOC)),
        # Position lines every 0.2 s on a pipe of their own, so that the log stays a log.
        *("-nostats", "-stats_period", "0.2", "-progress", "pipe:1"),
        *args,
    ]
    log: deque[str] = deque(maxlen=400)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        listener = threading.Thread(target=log.extend, args=(process.stderr,), daemon=True)
        listener.start()
        for line in process.stdout:
            if on_progress and duration and (at := _position(line)) is not None:
                on_progress(min(1.0, max(0.0, (at - start) / duration)))
        listener.join()
        code = process.wait()
    text = "".join(log)
    if code:
        raise EngineFailed(f"ffmpeg ended with {code}: {_last_words(text)}")
    return text


def _position(line: str) -> float | None:
    """Seconds from a line of `-progress`, or None if it is another line."""
    key, _, value = line.strip().partition("=")
    if key != "out_time_us" or not value.lstrip("-").isdigit():
        return None
    return int(value) / 1e6


def _last_words(log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()]
    faults = [line for line in lines if "[error]" in line or "[fatal]" in line]
    # The last words are of the program, the ones before them of the part that failed.
    empty = (
        *("Conversion failed", "Error opening input file", "Error opening output file", "Nothing was written into"),
        # What its threads say when another has failed.
        *("Terminating thread", "Task finished", "Error sending frames", "Could not open encoder", "maybe incorrect"),
    )
    spoken = [line for line in faults or lines if not any(words in line for words in empty)]
    return spoken[-1].strip()[:500] if spoken else "no word"


def compiled(node: Any) -> list[str]:
    """The arguments of an ffmpeg-python graph."""
    args: list[str] = node.get_args()
    return args
