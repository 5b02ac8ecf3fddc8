"""How loud a film is, by the measure that broadcasters use. Read once: every chunk is levelled by the same gain."""

import re
from pathlib import Path

import ffmpeg

from pipeline import engine
from pipeline.source import Sound

# Below this there is nothing to level: silence, or a microphone that was covered. Source: EBU R 128, absolute gate.
SILENCE = -70.0

_INTEGRATED = re.compile(r"^\s*I:\s*(-?\d+\.\d+|-inf) LUFS", re.MULTILINE)


def measure(path: Path, container: str, sound: Sound, on_progress: engine.Progress | None = None) -> float | None:
    """Integrated loudness in LUFS over the whole track, or None where it is silent.

    Raises: EngineFailed.
    Source: ITU-R BS.1770-4, EBU R 128.
    """
    given = ffmpeg.input(str(path), vn=None, sn=None, dn=None, **engine.reading(container))
    node = (
        given[str(sound.stream)]
        # As it will be heard: a voice in one channel of 5.1 counts as what remains of it in stereo.
        .filter("aresample", ochl="stereo", **engine.FOLD)
        # framelog=quiet: one summary at the end instead of ten lines a second.
        .filter("ebur128", framelog="quiet")
        .output("-", f="null")
    )
    log = engine.run(
        engine.compiled(node), duration=sound.end - sound.start, on_progress=on_progress, level="info", start=0.0
    )
    found = _INTEGRATED.findall(log)
    if not found or found[-1] == "-inf" or float(found[-1]) <= SILENCE:
        return None
    return float(found[-1])
