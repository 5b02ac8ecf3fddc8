"""The sound stays with the picture, from the first packet to the last, and no seam between chunks can be heard."""

import io
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from painting import ffmpeg, paint
from screening import Screening, measured, screen

from pipeline import loudness, presets, probe
from pipeline.sound import GRID

SINE = "sine=frequency=440:sample_rate=48000"


def _seams(seen: Screening) -> list[float]:
    return [facts["start"] for facts in seen.facts[1:]]


def _worst_residue(samples: np.ndarray, rate: int, start: float, at: float, width: float = 0.1) -> float:
    """How far the sound around a moment is from a clean 440 Hz sine, as a share of its amplitude."""
    first = round((at - start - width) * rate)
    piece = samples[first : first + round(2 * width * rate)]
    phase = 2 * np.pi * 440 * np.arange(len(piece)) / rate
    basis = np.stack([np.sin(phase), np.cos(phase)], axis=1)
    amplitudes, *_ = np.linalg.lstsq(basis, piece, rcond=None)
    return float(np.abs(piece - basis @ amplitudes).max() / np.hypot(*amplitudes))


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"], ids=["passed through", "encoded"])
def test_a_sine_runs_over_the_seams_without_a_click(tmp_path: Path, codec: str) -> None:
    film = paint(tmp_path / "film.mov", seconds=9, rate=10, gop=11, audio_codec=codec, tone=SINE)

    seen = screen(film, tmp_path / "out")

    times = seen.packets()
    start, samples, rate = seen.sound()
    assert seen.result["plan"]["film"]["sound"]["hear"] == ("copy" if codec == "aac" else "encode")
    assert len(seen.facts) == 3
    assert {b - a for a, b in pairwise(times)} == {GRID}
    # A sine in AAC is never clean; at a seam it is as clean as anywhere else. A click would be ten times that.
    elsewhere = max(_worst_residue(samples, rate, start, at) for at in (1.0, 3.5, 4.7, 7.8))
    assert elsewhere < 0.06
    assert max(_worst_residue(samples, rate, start, seam) for seam in _seams(seen)) < 1.3 * elsewhere
    if codec == "aac":
        assert b"Lavc" in b"".join(_packets(film))
        copied, own = _packets(film), _packets(tmp_path / "out/joined.mp4", seen.joined())
        assert [len(one) for one in copied] == [len(one) for one in own]
        assert [a == b or b"Lavc" in a for a, b in zip(copied, own, strict=True)] == [True] * len(own)
    assert b"Lavc" not in seen.joined()


def _packets(path: Path, data: bytes | None = None) -> list[bytes]:
    if data is not None:
        path.write_bytes(data)
    with av.open(str(path)) as file:
        return [bytes(packet) for packet in file.demux(audio=0) if packet.size and packet.pts >= 0]


def test_encoded_sound_lies_on_one_grid_that_begins_with_the_film(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mov", seconds=5, rate=10, gop=11, audio_codec="pcm_s16le")

    seen = screen(film, tmp_path / "out")

    assert {time % GRID for time in seen.packets()} == {10 * 48_000 % GRID}
    assert seen.packets()[0] == 10 * 48_000


def _beeps(samples: np.ndarray, rate: int, start: float) -> list[float]:
    """When the sound comes on after silence, s."""
    loud = np.abs(samples) > 0.05
    edges = np.flatnonzero(loud[1:] & ~loud[:-1])
    return [float(start + edges[n] / rate) for n in range(len(edges)) if n == 0 or edges[n] - edges[n - 1] > rate // 5]


def _beeping(path: Path, **options: object) -> Path:
    """A film whose sound beeps for 100 ms at every full second of its own track."""
    tone = "aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.1)*gte(t,0.5)':sample_rate=48000"
    return paint(path, tone=tone, rate=10, gop=10, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("codec", ["aac", "libopus"])
def test_the_sound_keeps_its_place_beside_the_picture(tmp_path: Path, codec: str) -> None:
    film = _beeping(tmp_path / "film.mp4", seconds=6, audio_codec=codec)

    start, samples, rate = screen(film, tmp_path / "out").sound()

    beeps = _beeps(samples, rate, start)
    assert len(beeps) == 5
    assert all(abs(beep - wanted) < 0.040 for beep, wanted in zip(beeps, range(1, 6), strict=True))


def test_a_late_track_begins_in_silence_and_stays_late(tmp_path: Path) -> None:
    film = _beeping(tmp_path / "film.mp4", seconds=6, audio_delay=1.5)

    seen = screen(film, tmp_path / "out")

    start, samples, rate = seen.sound()
    assert seen.result["plan"]["film"]["sound"]["hear"] == "encode"
    assert start == 0.0
    assert abs(_beeps(samples, rate, start)[0] - 2.5) < 0.040


def test_a_track_that_ends_early_ends_in_silence(tmp_path: Path) -> None:
    film = _beeping(tmp_path / "film.mp4", seconds=5, audio_seconds=2.5)

    start, samples, rate = screen(film, tmp_path / "out").sound()

    assert abs(start + len(samples) / rate - 5.0) < 0.050
    assert np.abs(samples[round(2.7 * rate) :]).max() < 0.01


def test_a_film_whose_clock_does_not_begin_at_zero_stays_in_sync(tmp_path: Path) -> None:
    whole = _beeping(tmp_path / "whole.mp4", seconds=5)
    film = tmp_path / "film.mp4"
    # The picture 0.7 s later than the sound: what is heard before the first frame is not part of the film.
    ffmpeg("-itsoffset", 0.7, "-i", whole, "-i", whole, "-map", "0:v", "-map", "1:a", "-c", "copy", film)

    seen = screen(film, tmp_path / "out")

    start, samples, rate = seen.sound()
    assert seen.pictures()[0] == list(range(50))
    assert abs(_beeps(samples, rate, start)[0] - 0.3) < 0.040


def test_five_point_one_is_folded_to_stereo(tmp_path: Path) -> None:
    silent, six = paint(tmp_path / "silent.mov", seconds=2, audio=False), tmp_path / "six.mov"
    centre = "aevalsrc=0|0|0.5*sin(880*PI*t)|0|0|0:c=5.1:d=2"
    ffmpeg("-i", silent, "-f", "lavfi", "-i", centre, "-c:v", "copy", "-c:a", "pcm_s16le", six)

    seen = screen(six, tmp_path / "out")

    with av.open(io.BytesIO(seen.joined()), format="mov") as file:
        assert file.streams.audio[0].channels == 2
    assert np.abs(seen.sound()[1]).max() > 0.1


def test_a_film_without_sound_is_a_film(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=2, audio=False)

    seen = screen(film, tmp_path / "out")

    assert seen.facts[0]["renditions"][0]["codecs"].count(",") == 0
    with av.open(io.BytesIO(seen.joined()), format="mov") as file:
        assert not file.streams.audio


def _loudness(data: bytes, path: Path) -> float:
    path.write_bytes(data)
    container, sound = "mov", probe.probe(path, "mov", presets.load("workshop").limits)[0].sound
    assert sound is not None
    found = loudness.measure(path, container, sound)
    assert found is not None
    return found


@pytest.mark.parametrize(("channels", "peak"), [(1, 0.05), (6, 0.15)])
def test_the_levelled_preset_makes_a_quiet_film_as_loud_as_others(tmp_path: Path, channels: int, peak: float) -> None:
    quiet = f"{peak}*sin(2*PI*500*t)"
    tone = f"aevalsrc='{quiet}':s=48000" if channels == 1 else f"aevalsrc=exprs='0|0|{quiet}|0|0|0':c=5.1:s=48000"
    film = paint(tmp_path / "film.mp4", seconds=5, rate=10, gop=10, tone=tone, extra=["-ac", channels])

    seen = screen(film, tmp_path / "out", "levelled")

    gain = seen.result["plan"]["film"]["sound"]["gain"]
    assert len(seen.facts) == 2
    assert gain > 10
    assert _loudness(seen.joined(), tmp_path / "made.mp4") == pytest.approx(-16.0, abs=1.0)


def test_silence_is_not_raised(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=2, rate=10, tone="anullsrc=channel_layout=stereo:sample_rate=48000")

    assert measured(film, "levelled")["plan"]["film"]["sound"]["gain"] == 0.0


def test_chunks_after_the_end_of_the_sound_are_silent(tmp_path: Path) -> None:
    film = _beeping(tmp_path / "film.mp4", seconds=9, audio_seconds=1.5)

    seen = screen(film, tmp_path / "out")

    start, samples, rate = seen.sound()
    assert len(seen.facts) == 3
    assert abs(start + len(samples) / rate - 9.0) < 0.050
    assert {b - a for a, b in pairwise(seen.packets())} == {GRID}


def test_sound_that_nobody_can_decode_is_left_out(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mov", seconds=1, audio_codec="pcm_s16le")
    film.write_bytes(film.read_bytes().replace(b"sowt", b"zzzz"))

    assert measured(film)["source"]["sound"] is None
