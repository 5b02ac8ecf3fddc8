"""A film in fragments is cut into chunks like any other, each made of just the fragments it needs."""

import hashlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from painting import ffmpeg, paint
from screening import Screening, chunk_names, make_chunk, measured, screen, source_times

from pipeline import view

BY_KEY = "frag_keyframe+empty_moov+default_base_moof"
HOW: dict[str, Any] = {"seconds": 6, "rate": 15, "gop": 15, "codec": "h264-b", "video_filter": "noise=alls=9:allf=t"}


def _paint(path: Path, movflags: str = BY_KEY, *more: str, **how: Any) -> Path:
    return paint(path, **(HOW | how), extra=["-movflags", movflags, *more])


def _holds_every_frame_once(film: Path, seen: Screening) -> None:
    numbers, times = seen.pictures()
    assert numbers == sorted(set(numbers))
    assert len(numbers) == seen.result["source"]["film"]["frames"]
    assert all(abs(made - source) < 0.0011 for made, source in zip(times, source_times(film), strict=True))


def _has_sound_without_a_seam(seen: Screening) -> None:
    packets = seen.packets()
    assert {after - packet for packet, after in pairwise(packets)} == {1024}
    assert all(facts["sync"] < 0.04 for facts in seen.facts)


@pytest.mark.parametrize(
    ("movflags", "more", "how"),
    [
        (BY_KEY, [], {}),
        ("empty_moov+default_base_moof", ["-frag_duration", "700000"], {"codec": "hevc", "gop": 20}),
        ("frag_keyframe", [], {}),
        ("frag_keyframe+empty_moov+separate_moof", [], {"audio_delay": 1.7}),
        ("frag_keyframe+cmaf", [], {"audio_seconds": 3}),
    ],
    ids=["by key frames", "by time, open groups", "begun by a table", "each track its own", "negative offsets"],
)
def test_a_film_in_fragments_is_made_chunk_by_chunk_of_those_it_needs(
    tmp_path: Path, movflags: str, more: list[str], how: dict[str, Any]
) -> None:
    film = _paint(tmp_path / "film.mp4", movflags, *more, **how)

    seen = screen(film, tmp_path / "out")

    outputs = {one["name"]: one for one in seen.result["plan"]["outputs"]}
    assert len(seen.facts) >= 2
    _holds_every_frame_once(film, seen)
    _has_sound_without_a_seam(seen)
    part = tmp_path / "part.mp4"
    first, last = chunk_names(seen.result)[0], chunk_names(seen.result)[-1]
    assert max(end for _, end in outputs[first]["ranges"]) < film.stat().st_size / 2
    for name in (first, last):
        with film.open("rb") as whole, part.open("wb") as file:
            file.truncate(film.stat().st_size)
            for start, end in outputs[name]["ranges"]:
                whole.seek(start)
                file.seek(start)
                file.write(whole.read(end - start))
        make_chunk(part, seen.result, name, tmp_path / "sparse")
        assert _digests(tmp_path / "sparse" / name) == _digests(tmp_path / "out" / name)


def test_pictures_from_some_fragments_are_those_of_the_whole_film(tmp_path: Path) -> None:
    film = _paint(tmp_path / "film.mp4", "empty_moov+default_base_moof", "-frag_duration", "700000", seconds=9)
    result = measured(film)
    last = result["plan"]["film"]["chunks"][-1]
    ranges = next(one["ranges"] for one in result["plan"]["outputs"] if one["name"] == f"chunk/{last['number']:04}")
    with av.open(str(film)) as whole:
        wanted = [(one.pts, _digest(one)) for one in whole.decode(video=0) if one.pts >= last["first"]]

    part = view.copy(film, ranges, tmp_path / "part")

    assert part.stat().st_blocks * 512 < 0.8 * film.stat().st_size
    with av.open(str(part), format="mov") as file:
        file.seek(last["first"], stream=file.streams.video[0])
        assert [(one.pts, _digest(one)) for one in file.decode(video=0) if one.pts >= last["first"]] == wanted


def test_an_edit_that_begins_before_the_film_costs_no_picture(tmp_path: Path) -> None:
    whole = paint(tmp_path / "whole.mp4", **HOW)
    film = tmp_path / "film.mp4"
    ffmpeg("-ss", "1.5", "-i", whole, "-c", "copy", "-movflags", "frag_keyframe+delay_moov+default_base_moof", film)

    seen = screen(film, tmp_path / "out")

    assert seen.result["source"]["film"]["start"] < 0
    assert [facts["frames"] for facts in seen.facts] == [15, 60]
    assert seen.pictures()[0] == list(range(15, 90))


def test_a_summary_that_lies_is_shown_to_nobody(tmp_path: Path) -> None:
    film = _paint(tmp_path / "film.mp4", f"{BY_KEY}+global_sidx", audio=False)
    told = bytearray(film.read_bytes())
    at = told.find(b"sidx") + 28  # its references: size and duration of each fragment
    told[at : at + 48] = bytes(255 - byte for byte in told[at : at + 48])
    told[told.rfind(b"tfra") + 20 :] = bytes(len(told) - told.rfind(b"tfra") - 20)
    film.write_bytes(told)

    seen = screen(film, tmp_path / "out")

    assert [facts["frames"] for facts in seen.facts] == [15, 60, 15]
    assert seen.pictures()[0] == list(range(90))


def test_fragments_that_do_not_say_when_they_are_played_become_one_chunk(tmp_path: Path) -> None:
    film = _paint(tmp_path / "film.mp4", audio=False)
    body = film.read_bytes()
    at = body.find(b"tfdt", body.find(b"tfdt") + 4)
    film.write_bytes(body[:at] + b"free" + body[at + 4 :])

    result = measured(film)

    assert chunk_names(result) == ["chunk/0000"]
    assert result["plan"]["outputs"][0]["ranges"] is None
    assert result["source"]["film"]["frames"] == 90


def _digest(frame: av.VideoFrame) -> str:
    return hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest()


def _digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}
