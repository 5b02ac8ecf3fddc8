"""Runs inside a child: hears the source and the film made of it, and says how far the sound moved against the picture.

The same sound, laid on the clock of each film's first frame, is compared by cross-correlation: what a viewer would
notice, whatever the containers say about starts, silence or edit lists. Gain does not matter.
"""

import json
import sys
from typing import Any

import av
import numpy as np

RATE = 8_000  # Hz: 0.125 ms a sample
SECONDS = 30
WINDOW = 4_000  # samples: half a second either way
AUDIBLE = 0.001  # of full scale, root mean square: -60 dB, a quiet room


def heard(path: str, stream: int, zero: float) -> "np.ndarray[Any, Any]":
    """The first seconds of sound after `zero` (s), mono, at `RATE`."""
    made = np.zeros(SECONDS * RATE)
    # Names in old files are in any encoding; they are not what is compared.
    with av.open(path, metadata_errors="ignore") as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        try:
            for frame in container.decode(container.streams[stream]):
                if not isinstance(frame, av.AudioFrame) or (frame.time or 0.0) - zero > SECONDS:
                    break
                for piece in resampler.resample(frame):
                    at = round(((piece.time or 0.0) - zero) * RATE)
                    samples = piece.to_ndarray().reshape(-1)[max(0, -at) :]
                    at = max(0, at)
                    room = made[at : at + len(samples)]
                    room[:] = samples[: len(room)]
        except av.error.InvalidDataError:
            pass  # the rest is damaged; what was heard is enough
    return made


def lag(source: "np.ndarray[Any, Any]", made: "np.ndarray[Any, Any]") -> float | None:
    """Seconds by which `made` is late; None where the two cannot be compared (silence, other sound)."""
    size = 2 * SECONDS * RATE
    crossed = np.fft.irfft(np.fft.rfft(made, size) * np.conj(np.fft.rfft(source, size)), size)
    near = np.concatenate([crossed[-WINDOW:], crossed[: WINDOW + 1]])
    power = float(np.linalg.norm(source) * np.linalg.norm(made))
    if power == 0 or near.max() < 0.3 * power:
        return None
    # A steady tone fits at every period: take the nearest of all that fit as well as the best.
    fits = np.flatnonzero(near >= 0.995 * near.max()) - WINDOW
    return float(fits[np.argmin(np.abs(fits))]) / RATE


def silent(source: "np.ndarray[Any, Any]") -> bool:
    """Whether there is nothing to hear, so that nothing can be compared."""
    sounding = source[source != 0]
    return not sounding.size or float(np.sqrt(np.mean(sounding**2))) < AUDIBLE


def main(job: dict[str, Any]) -> dict[str, Any]:
    source = heard(job["input"], job["input_stream"], job["input_zero"])
    made = heard(job["made"], job["made_stream"], job["made_zero"])
    return {"result": {"lag_s": lag(source, made), "silent": silent(source)}}


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))  # noqa: T201
