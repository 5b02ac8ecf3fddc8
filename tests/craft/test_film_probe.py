"""What a film is, as displayed: its turn, its shape, its true rate and length, and why it is refused."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from painting import ffmpeg, paint

from pipeline import errors, index, presets, probe
from pipeline.film import measure
from pipeline.presets import Limits
from pipeline.sniff import sniff
from pipeline.source import Fields, Film, Hdr, Source

LIMITS = presets.load("workshop").limits


def _source(path: Path, limits: Limits = LIMITS) -> Source:
    return probe.probe(path, sniff(path).format, limits)[0]


def _film(path: Path) -> Film:
    film = _source(path).film
    assert film is not None
    return film


@pytest.mark.parametrize("preset", ["workshop", "loud"])
def test_it_says_how_much_of_a_film_is_read(tmp_path: Path, preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large one takes minutes, and a child that says nothing for two is stopped."""
    monkeypatch.setattr(index, "SPOKEN", 5)
    workshop = presets.load("workshop")
    loud = replace(workshop, sound=replace(workshop.sound, loudness=-16.0))
    monkeypatch.setattr(presets, "load", lambda _: loud if preset == "loud" else workshop)
    told: list[float] = []
    measure(paint(tmp_path / "film.mp4", seconds=2, size=(320, 180)), "mov", "workshop", False, told.append)

    assert told == sorted(told)
    assert len([share for share in told if share < 0.5]) > 5
    assert max(told) > 0.9


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_the_turn_of_a_film_is_what_a_player_does(tmp_path: Path, rotation: int, mirrored: bool) -> None:
    film = _film(paint(tmp_path / "film.mp4", seconds=0.5, size=(320, 180), rotation=rotation, mirrored=mirrored))

    assert (film.mirrored, film.rotation) == (mirrored, rotation)
    assert (film.width, film.height) == ((180, 320) if rotation in (90, 270) else (320, 180))


def test_pixels_that_are_not_square_are_made_square_by_growing(tmp_path: Path) -> None:
    film = _film(paint(tmp_path / "film.mp4", seconds=0.5, size=(240, 240), video_filter="setsar=3/2"))

    assert film.sample_aspect == Fraction(3, 2)
    assert (film.width, film.height) == (360, 240)


def test_the_rate_comes_from_the_frames_and_not_from_the_header(tmp_path: Path) -> None:
    thinned = paint(tmp_path / "film.mp4", seconds=3, rate=30, video_filter="select='not(mod(n,2))'")

    film = _film(thinned)

    assert (film.rate, film.frames, film.variable) == (15, 45, False)
    assert film.duration == pytest.approx(3.0, abs=0.05)


def test_the_ntsc_rate_survives_milliseconds(tmp_path: Path) -> None:
    ntsc, fine = "settb=1/90000,setpts=N*3003", ["-enc_time_base", "1:90000"]
    film = _film(paint(tmp_path / "film.webm", seconds=2, codec="vp8", video_filter=ntsc, extra=fine))

    assert film.rate == Fraction(30000, 1001)
    assert not film.variable


def test_a_late_picture_starts_late(tmp_path: Path) -> None:
    whole, late = paint(tmp_path / "whole.mp4", seconds=2), tmp_path / "late.mp4"
    ffmpeg("-itsoffset", 0.7, "-i", whole, "-i", whole, "-map", "0:v", "-map", "1:a", "-c", "copy", late)

    source = _source(late)

    assert source.film is not None
    assert source.sound is not None
    assert source.film.start == pytest.approx(0.7, abs=0.001)
    assert source.sound.start == pytest.approx(0.0, abs=0.03)


def test_interlaced_pictures_are_seen(tmp_path: Path) -> None:
    top = ["-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-top", "1"]
    film = _film(paint(tmp_path / "film.mov", seconds=1, video_filter="interlace", extra=[*top[:4]], audio=False))

    assert film.fields is not Fields.PROGRESSIVE


def test_hlg_is_known_by_its_curve(tmp_path: Path) -> None:
    tags = "setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"
    film = _film(paint(tmp_path / "film.mov", seconds=0.5, codec="hevc", video_filter=tags))

    assert (film.hdr, film.primaries, film.matrix) == (Hdr.HLG, "bt2020", "bt2020nc")


def test_a_cover_is_not_the_film(tmp_path: Path) -> None:
    film, cover, both = paint(tmp_path / "film.mp4", seconds=1), tmp_path / "cover.jpg", tmp_path / "both.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=1280x720", "-frames:v", 1, cover)
    ffmpeg("-i", film, "-i", cover, "-map", 1, "-map", 0, "-c", "copy", "-disposition:v:0", "attached_pic", both)

    assert (_film(both).width, _film(both).height) == (320, 240)


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", tmp_path / "sound.m4a")

    with pytest.raises(errors.NoPicture):
        _source(tmp_path / "sound.m4a")


def test_what_is_too_long_or_too_large_is_told_with_its_limit(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=3)

    with pytest.raises(errors.TooLong, match="limit 2 s"):
        _source(film, Limits(2.0, 10**9, 1, 10, 1))
    with pytest.raises(errors.TooManyPixels, match="320x240 is 76800 px, limit 1000"):
        _source(film, Limits(10.0, 1000, 1, 10, 1))
    with pytest.raises(errors.TooManyStreams, match="2 streams, limit 1"):
        _source(film, Limits(10.0, 10**9, 1, 1, 1))


def test_a_clock_that_jumps_ten_hours_is_refused(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=2, audio=False, video_filter="setpts='PTS+gte(N,30)*36000/TB'")

    with pytest.raises(errors.BrokenTimeline, match="limit 60 s"):
        _source(film)


def test_sound_whose_clock_jumps_ten_hours_is_refused(tmp_path: Path) -> None:
    film, jumping = paint(tmp_path / "film.mp4", seconds=4), tmp_path / "jumping.mp4"
    ffmpeg("-i", film, "-map", 0, "-c", "copy", "-bsf:a", "setts=ts='TS+gte(N,100)*36000/TB'", jumping)

    with pytest.raises(errors.BrokenTimeline, match=r"3600\d s between two packets of sound, limit 60 s"):
        _source(jumping)


@pytest.mark.parametrize(("late", "kind"), [(0, "1:a"), (1, "0:a")], ids=["sound", "picture"])
def test_sound_that_comes_ten_hours_from_its_picture_is_refused(tmp_path: Path, late: int, kind: str) -> None:
    film, torn = paint(tmp_path / "film.mp4", seconds=2), tmp_path / "torn.mp4"
    ffmpeg("-i", film, "-itsoffset", 36_000, "-i", film, "-map", f"{late}:v", "-map", kind, "-c", "copy", torn)

    with pytest.raises(errors.BrokenTimeline, match="between picture and sound, limit 60 s"):
        _source(torn)


def test_sound_that_begins_late_is_a_quiet_film(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=4, audio_delay=2)
    source = _source(film)

    assert source.sound is not None
    assert source.sound.start == pytest.approx(2.0, abs=0.03)


def test_a_file_without_its_end_is_truncated(tmp_path: Path) -> None:
    end = paint(tmp_path / "end.mp4", seconds=2)
    front = paint(tmp_path / "front.mp4", seconds=2, extra=["-movflags", "+faststart"])

    for film in (end, front):
        film.write_bytes(film.read_bytes()[: film.stat().st_size * 6 // 10])
        with pytest.raises(errors.Truncated):
            _source(film)


def test_a_codec_nobody_films_with_is_refused_by_name(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=duration=1", "-c:v", "cinepak", tmp_path / "film.mov")

    with pytest.raises(errors.UnsupportedCodec):
        _source(tmp_path / "film.mov")


def test_noise_after_a_good_head_is_refused(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=1, audio=False)
    data = bytearray(film.read_bytes())
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[start:end] = bytes((7 * n * n + 13) % 251 for n in range(end - start))
    film.write_bytes(data)

    with pytest.raises(errors.Damaged):
        _source(film)
