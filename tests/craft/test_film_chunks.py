"""Chunks made one by one are the film: every frame once, at its time, whatever the source's groups of pictures are."""

import io
from itertools import pairwise
from pathlib import Path

import av
import pytest
from painting import ffmpeg, paint
from screening import BEEPS, make_chunk, measured, screen, source_times

from pipeline import encoders, plan, playlist
from pipeline.names import FIRST, REST
from pipeline.plan import Rendition


def _near(made: list[float], wanted: list[float]) -> bool:
    return len(made) == len(wanted) and all(abs(a - b) < 0.0011 for a, b in zip(made, wanted, strict=True))


def _in_sync(heard: list[float], wanted: list[float]) -> bool:
    """Each beep within 40 ms of the picture it belongs to. Source: ITU-R BT.1359"""
    return len(heard) == len(wanted) and all(abs(a - b) < 0.040 for a, b in zip(heard, wanted, strict=True))


@pytest.mark.parametrize(
    ("codec", "suffix", "gop", "chunks"),
    [("h264", ".mp4", 15, 2), ("h264-b", ".mov", 30, 2), ("hevc", ".mov", 24, 2), ("mjpeg", ".mov", 1, 2)],
    ids=["closed", "closed with b-frames", "open", "all intra"],
)
def test_the_chunks_of_a_film_hold_every_frame_once(
    tmp_path: Path, codec: str, suffix: str, gop: int, chunks: int
) -> None:
    film = paint(tmp_path / f"film{suffix}", seconds=5, codec=codec, gop=gop, tone=BEEPS)

    seen = screen(film, tmp_path / "out")

    numbers, times = seen.pictures()
    assert len(seen.facts) == chunks
    assert numbers == list(range(150))
    assert _near(times, source_times(film))
    assert _in_sync(seen.beeps(), [1.0, 2.0, 3.0, 4.0])


def test_a_film_of_one_group_becomes_one_chunk_with_several_segments(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=7, rate=15, gop=1000, audio=False)

    seen = screen(film, tmp_path / "out")

    segments = seen.facts[0]["renditions"][0]["segments"]
    assert len(seen.facts) == 1
    assert [segment["start"] for segment in segments] == [0.0, 4.0]
    assert seen.pictures()[0] == list(range(105))


def test_a_webm_without_cues_is_read_from_its_beginning(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.webm", seconds=5, codec="vp8", gop=30, extra=["-f", "webm", "-live", "1"])

    seen = screen(film, tmp_path / "out")

    numbers, times = seen.pictures()
    assert [facts["chunk"] for facts in seen.facts] == [0]
    assert seen.result["plan"]["outputs"][1]["ranges"] is None
    assert numbers == list(range(150))
    assert _near(times, source_times(film))


def test_a_variable_rate_with_a_hole_keeps_every_time(tmp_path: Path) -> None:
    hole = "select='not(between(n,40,58))*(lt(n,75)+not(mod(n,2)))'"
    fine = ["-video_track_timescale", 90000]
    film = paint(tmp_path / "film.mp4", seconds=5, gop=15, tone=BEEPS, video_filter=hole, extra=fine)

    seen = screen(film, tmp_path / "out")

    numbers, times = seen.pictures()
    assert seen.result["source"]["film"]["variable"]
    assert numbers == [n for n in range(150) if not 40 <= n <= 58 and (n < 75 or n % 2 == 0)]
    assert _near(times, source_times(film))
    assert _in_sync(seen.beeps(), [1.0, 2.0, 3.0, 4.0])


def test_an_edit_list_that_begins_between_key_frames_is_obeyed(tmp_path: Path) -> None:
    whole = paint(tmp_path / "whole.mp4", seconds=5, gop=30, codec="h264-b", tone=BEEPS)
    film = tmp_path / "film.mp4"
    ffmpeg("-ss", "0.5", "-i", whole, "-c", "copy", film)

    seen = screen(film, tmp_path / "out")

    numbers, times = seen.pictures()
    assert numbers == list(range(15, 150))
    assert times[0] == 0.0
    assert _in_sync(seen.beeps(), [0.5, 1.5, 2.5, 3.5])


def test_sixty_frames_a_second_become_thirty_without_a_stutter_at_the_seam(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=5, rate=60, gop=50, audio=False)

    seen = screen(film, tmp_path / "out")

    numbers, times = seen.pictures()
    assert len(seen.facts) == 2
    assert numbers == list(range(0, 300, 2))
    assert {round(b - a, 3) for a, b in pairwise(times)} <= {0.033, 0.034}


def test_sixty_frames_a_second_stay_sixty_where_the_preset_wants_motion(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=2, rate=60, gop=60, audio=False)

    seen = screen(film, tmp_path / "out", "motion")

    numbers, times = seen.pictures()
    assert numbers == list(range(120))
    assert {round(b - a, 3) for a, b in pairwise(times)} <= {0.016, 0.017}
    assert "FRAME-RATE=60.000" in playlist.film(seen.facts, True, lambda chunk, path: f"{chunk}/{path}")["index.m3u8"]
    made = plan.from_json(seen.result["plan"]).film
    assert made is not None
    assert encoders.level(Rendition("1080p", 1080, 1920, 5_450_000, 6_500_000), made) == "4.2"


def test_a_film_that_slows_from_sixty_to_thirty_keeps_every_frame_of_its_slow_stretch(tmp_path: Path) -> None:
    # Of the third and fourth second only every second frame was taken, beginning with an odd one.
    slow = "select='not(between(n,100,199))+mod(n,2)'"
    film = paint(tmp_path / "film.mp4", seconds=5, rate=60, gop=50, audio=False, video_filter=slow)

    seen = screen(film, tmp_path / "out")

    numbers, times = seen.pictures()
    assert len(seen.facts) == 2
    assert [n for n in numbers if 100 <= n < 200] == list(range(101, 200, 2))
    assert numbers == [*range(0, 100, 2), *range(101, 300, 2)]
    assert max(b - a for a, b in pairwise(times)) < 0.051
    assert sum(facts["frames"] for facts in seen.facts) == sum(facts["planned"] for facts in seen.facts) == len(numbers)


def test_a_fast_stretch_of_a_film_that_is_slow_by_the_mean_has_thirty_frames_a_second(tmp_path: Path) -> None:
    # One second of 60 frames, then four of 20: 28 by the mean.
    fast = "select='lt(n,60)+not(mod(n,3))'"
    film = paint(tmp_path / "film.mp4", seconds=5, rate=60, gop=300, audio=False, video_filter=fast)

    seen = screen(film, tmp_path / "out")

    numbers, times = seen.pictures()
    assert numbers == [*range(0, 60, 2), *range(60, 300, 3)]
    assert min(b - a for a, b in pairwise(times)) > 1 / 33 - 0.001
    assert "FRAME-RATE=30.000" in playlist.film(seen.facts, True, lambda chunk, path: f"{chunk}/{path}")["index.m3u8"]


def test_what_is_made_of_one_rendition_does_not_depend_on_the_others(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=1, rate=10, size=(480, 854))
    result = measured(film)
    make_chunk(film, result, FIRST, tmp_path / "at once")

    result["plan"]["film"]["opening"] = "360p"
    result["plan"]["outputs"].append({**result["plan"]["outputs"][0], "name": REST})
    held = [make_chunk(film, result, name, tmp_path / "apart") for name in (FIRST, REST)]

    assert [[one["name"] for one in facts["renditions"]] for facts in held] == [["360p"], ["480p"]]
    pieces = [file for name in (FIRST, REST) for file in (tmp_path / "apart" / name).iterdir()]
    whole = {file.name: file.read_bytes() for file in (tmp_path / "at once" / FIRST).iterdir()}
    assert {file.name: file.read_bytes() for file in pieces} == whole


def test_all_chunks_have_one_init_segment_and_a_key_frame_at_least_every_two_seconds(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=7, rate=15, size=(480, 854), gop=15)

    seen = screen(film, tmp_path / "out")

    for n, name in enumerate(["480p", "360p"]):
        assert [facts["renditions"][n]["name"] for facts in seen.facts] == [name] * 3
        inits = {(tmp_path / f"out/chunk/{k:04d}/{name}-init.mp4").read_bytes() for k in range(len(seen.facts))}
        assert len(inits) == 1
        assert b"Lavc" not in inits.pop()
        frames = [f for facts in seen.facts for s in facts["renditions"][n]["segments"] for f in s["iframes"]]
        assert [round(frame["start"], 3) for frame in frames] == [0.0, 1.0, 3.0, 5.0]
    assert "720p" not in str(seen.facts)
    texts = playlist.film(seen.facts, True, lambda chunk, path: f"{chunk}/{path}")
    assert "#EXT-X-ENDLIST" in texts["480p.m3u8"]


def test_the_iframe_of_a_segment_decodes_alone(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=3, gop=30)
    seen = screen(film, tmp_path / "out")
    one = seen.facts[0]["renditions"][0]
    data = (tmp_path / "out/chunk/0000" / one["segments"][0]["path"]).read_bytes()
    frame = one["segments"][0]["iframes"][-1]

    alone = data[frame["offset"] : frame["offset"] + frame["length"]]
    init = (tmp_path / "out/chunk/0000" / one["init"]).read_bytes()

    with av.open(io.BytesIO(init + alone), format="mov") as file:
        packet = next(packet for packet in file.demux(video=0) if packet.size)
        assert packet.is_keyframe
        assert len(packet.decode() + file.streams.video[0].codec_context.decode(None)) == 1
