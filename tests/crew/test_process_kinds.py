"""Films of the rarer kinds, made whole by `walkaround process`: each output proved, and played as it should be.

Without a child for each of a hundred jobs, which is shown elsewhere.
"""

import io
import json
from pathlib import Path
from typing import Any

import arriving
import av
import numpy as np
import pytest
from click.testing import CliRunner
from painting import paint
from screening import BEEPS, Screening, source_times

from workers import child, command

RATE, SECONDS = 25, 4


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "run", arriving.run)


def processed(film: Path, out: Path) -> tuple[dict[str, Any], Screening]:
    """The report, and the largest rendition as a player joins it."""
    done = CliRunner().invoke(command.process, [str(film), "--out", str(out), "--jobs", "1"])
    assert done.exit_code == 0, done.stderr
    report = json.loads((out / "report.json").read_text())
    for name in ("index.m3u8", "poster.jpg", "storyboard.jpg", "storyboard.vtt", "preview.webp"):
        assert (out / name).stat().st_size > 0
    chunks = sorted(name for name in report["outputs"] if name.startswith("chunk/"))
    return report, Screening(report, [report["outputs"][name]["facts"] for name in chunks], out)


def pictures(seen: Screening) -> list[np.ndarray]:
    """The luma of every frame."""
    with av.open(io.BytesIO(seen.joined()), format="mov") as file:
        return [frame.to_ndarray(format="gray").astype(float) for frame in file.decode(video=0)]


@pytest.mark.parametrize(
    ("suffix", "container", "codec", "sound"),
    [
        (".ts", "mpegts", "h264", "aac"),
        (".ts", "mpegts", "h264-b", "mp2"),
        (".avi", "avi", "mjpeg", "pcm_s16le"),
        (".avi", "avi", "mpeg4", "libmp3lame"),
    ],
)
def test_a_container_without_a_table_to_trust_is_made_whole_and_in_sync(
    tmp_path: Path, suffix: str, container: str, codec: str, sound: str
) -> None:
    film = paint(
        tmp_path / f"film{suffix}", seconds=SECONDS, rate=RATE, gop=RATE, codec=codec, audio_codec=sound, tone=BEEPS
    )

    report, seen = processed(film, tmp_path / "out")

    assert report["source"]["container"] == container
    numbers, times = seen.pictures()
    assert numbers == list(range(SECONDS * RATE))
    assert times == source_times(film)
    assert [facts["checked"] for facts in seen.facts] == [SECONDS * RATE]
    assert len(heard := seen.beeps()) == SECONDS - 1
    assert all(abs(beep - times[second * RATE]) < 0.040 for second, beep in enumerate(heard, 1))


@pytest.mark.parametrize(("mode", "fields"), [("interleave_top", "top"), ("interleave_bottom", "bottom")])
def test_an_interlaced_film_is_woven_into_whole_pictures_that_keep_their_time(
    tmp_path: Path, mode: str, fields: str
) -> None:
    bar = "geq=lum='if(gt(Y,60),if(between(X-mod(N*6,260),0,40),235,16),lum(X,Y))':cb=128:cr=128"
    first = mode.removeprefix("interleave_")
    film = paint(
        tmp_path / "film.mp4",
        seconds=SECONDS,
        rate=2 * RATE,
        gop=RATE,
        tone=BEEPS,
        video_filter=f"{bar},tinterlace=mode={mode}",
        extra=["-flags", "+ildct+ilme", "-x264-params", f"{first[0]}ff=1", "-field_order", f"{first[0]}{first[0]}"],
    )
    with av.open(str(film)) as file:
        combed = [frame.to_ndarray(format="gray").astype(float) for frame in file.decode(video=0)]

    report, seen = processed(film, tmp_path / "out")

    assert report["source"]["film"]["fields"] == fields
    numbers, times = seen.pictures()
    # The lowest bit belongs to the field and not to the picture.
    assert [number >> 1 for number in numbers] == list(range(SECONDS * RATE))
    assert times == [round(n / RATE, 4) for n in range(SECONDS * RATE)]
    shown = pictures(seen)
    assert _teeth(combed[30]) > 5
    assert max(_teeth(picture) for picture in shown[1:-1]) < 1.5
    # Each picture is that of its first field, not of the second, and not a mixture.
    for number in (10, 30, 41):
        edge = int(np.flatnonzero(shown[number][150] > 125)[0])
        assert abs(edge - (number * 12) % 260) <= 2
    assert all(abs(beep - second) < 0.040 for second, beep in enumerate(seen.beeps(), 1))


def _teeth(picture: np.ndarray) -> float:
    """How much neighbouring lines differ where lines of one field do not: the comb of two moments in one picture."""
    part = picture[80:220]
    return float(np.abs(part[:-2] - part[1:-1]).mean() - np.abs(part[:-2] - part[2:]).mean())


TONES = {"FL": 300, "FR": 500, "FC": 700, "LFE": 80, "BL": 1100, "BR": 1300, "SL": 1700, "SR": 1900}


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le", "flac"])
def test_every_channel_of_seven_point_one_is_heard_and_none_clips(tmp_path: Path, codec: str) -> None:
    tones = "|".join(f"0.9*sin(2*PI*{tone}*t)" for tone in TONES.values())
    film = paint(
        tmp_path / ("film.mov" if codec == "pcm_s16le" else "film.mp4"),
        seconds=3,
        rate=RATE,
        audio_codec=codec,
        tone=f"aevalsrc=exprs='{tones}':c=7.1:s=48000",
        extra=["-ac", 8, "-b:a", "640k"] if codec == "aac" else ["-ac", 8],
    )

    report, seen = processed(film, tmp_path / "out")

    assert report["source"]["sound"]["channels"] == 8
    assert report["plan"]["film"]["sound"]["channels"] == 2
    left, right = stereo(seen)
    assert max(np.abs(left).max(), np.abs(right).max()) < 1.0
    for name, tone in TONES.items():
        sides = {"L": (left,), "R": (right,)}.get(name[-1], (left, right))
        for side in sides:
            assert level(side, tone) > 0.02, name
    # Left stays left, and right right.
    assert level(left, TONES["FL"]) > 20 * level(right, TONES["FL"])
    assert level(right, TONES["SR"]) > 20 * level(left, TONES["SR"])


def stereo(seen: Screening) -> np.ndarray:
    """Both channels of two seconds from the middle."""
    with av.open(io.BytesIO(seen.joined()), format="mov") as file:
        samples = np.concatenate([frame.to_ndarray() for frame in file.decode(audio=0)], axis=1)
    return samples[:, 24_000 : 24_000 + 96_000]


def level(samples: np.ndarray, tone: int) -> float:
    """The amplitude of one tone, 1 for full scale."""
    wave = np.exp(-2j * np.pi * tone * np.arange(len(samples)) / 48_000)
    return float(2 * np.abs((samples * wave).mean()))


def test_a_film_in_pq_is_shown_in_ordinary_colours(tmp_path: Path) -> None:
    white = round(255 * 0.5806)  # 203 cd/m², the white of a sheet of paper. Source: ITU-R BT.2408
    film = paint(
        tmp_path / "film.mp4",
        seconds=3,
        rate=RATE,
        gop=RATE,
        codec="hevc",
        tone=BEEPS,
        video_filter=f"drawbox=x=80:y=100:w=160:h=100:t=fill:color=0x{white:02x}{white:02x}{white:02x},"
        "setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084:range=tv",
        extra=["-pix_fmt", "yuv420p10le"],
    )

    report, seen = processed(film, tmp_path / "out")

    assert report["source"]["film"]["hdr"] == "pq"
    assert seen.pictures()[0] == list(range(3 * RATE))
    with av.open(io.BytesIO(seen.joined()), format="mov") as file:
        frame = next(file.decode(video=0))
        assert frame.format.name == "yuv420p"
        assert (frame.colorspace, frame.color_primaries, frame.color_trc) == (1, 1, 1)  # bt709 in ISO/IEC 23091-2
        luma, blue, red = (np.asarray(plane).reshape(-1, plane.line_size) for plane in frame.planes)
    assert 205 <= luma[120:180, 100:220].mean() <= 222
    assert abs(blue[60:90, 50:110].mean() - 128) < 2
    assert abs(red[60:90, 50:110].mean() - 128) < 2
    assert report["outputs"]["poster"]["facts"]["brightness"] > 24
    assert all(abs(beep - second) < 0.040 for second, beep in enumerate(seen.beeps(), 1))
