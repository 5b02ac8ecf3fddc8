"""AV1 beside H.264: the same frames at the same times, cut at the same places, and never alone."""

import re
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import m3u8
import pytest
from click.testing import CliRunner
from painting import paint
from screening import Screening, make_chunk, measured, screen

from pipeline import encoders, ladder, plan, playlist, presets, proof, segments, source
from pipeline.errors import ProofFailed
from pipeline.ladder import Codec, Rendition
from pipeline.make import listed
from workers import command

AV1 = 1  # the place of the rendition in the facts


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("film") / "film.mp4", seconds=4, gop=15)


@pytest.fixture(scope="module")
def archived(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Screening:
    return screen(film, tmp_path_factory.mktemp("archived"), "archive")


def test_what_is_kept_in_av1_is_first_of_all_the_workshops_film(
    film: Path, archived: Screening, tmp_path: Path
) -> None:
    usual = screen(film, tmp_path, "workshop")

    assert [one["name"] for one in archived.facts[0]["renditions"]] == ["240p", "240p-av1"]
    assert len(archived.facts) == len(usual.facts) == 2
    for number in ("0000", "0001"):
        for file in (tmp_path / "chunk" / number).iterdir():
            assert (archived.folder / "chunk" / number / file.name).read_bytes() == file.read_bytes()


def test_av1_holds_every_frame_once_at_the_time_it_has_in_h264(archived: Screening) -> None:
    numbers, times = replace(archived, rendition=AV1).pictures()

    assert numbers == list(range(120))
    assert times == archived.pictures()[1]


def test_av1_is_cut_and_sounds_as_h264_does(archived: Screening) -> None:
    for facts in archived.facts:
        h264, av1 = facts["renditions"]
        for kept, other in zip(h264["segments"], av1["segments"], strict=True):
            assert (kept["start"], kept["duration"]) == (other["start"], other["duration"])
            assert [key["start"] for key in kept["iframes"]] == [key["start"] for key in other["iframes"]]
    assert replace(archived, rendition=AV1).packets() == archived.packets()


def test_all_chunks_have_one_init_segment_that_says_what_it_is(archived: Screening) -> None:
    inits = {(archived.folder / f"chunk/{number:04d}/240p-av1-init.mp4").read_bytes() for number in (0, 1)}

    assert len(inits) == 1
    # Main profile, level 2.0, main tier, 8 bits.
    assert {facts["renditions"][AV1]["codecs"] for facts in archived.facts} == {"av01.0.00M.08,mp4a.40.2"}


def test_the_same_chunk_is_the_same_bytes_again(film: Path, archived: Screening, tmp_path: Path) -> None:
    make_chunk(film, archived.result, "chunk/0001", tmp_path)

    for file in (tmp_path / "chunk/0001").iterdir():
        assert (archived.folder / "chunk/0001" / file.name).read_bytes() == file.read_bytes()


def test_the_playlist_lists_av1_beside_h264_and_begins_with_what_everybody_plays(archived: Screening) -> None:
    texts = playlist.film(archived.facts, True, lambda chunk, path: f"{chunk}/{path}")

    index = m3u8.loads(texts["index.m3u8"])
    variants = [(one.uri, one.stream_info.codecs) for one in index.playlists]
    assert variants == [("240p.m3u8", "avc1.64001e,mp4a.40.2"), ("240p-av1.m3u8", "av01.0.00M.08,mp4a.40.2")]
    assert [one.uri for one in index.iframe_playlists] == ["240p-iframes.m3u8"]
    assert sorted(texts) == ["240p-av1.m3u8", "240p-iframes.m3u8", "240p.m3u8", "index.m3u8"]
    h264, av1 = (m3u8.loads(texts[name]).segments for name in ("240p.m3u8", "240p-av1.m3u8"))
    assert [part.duration for part in h264] == [part.duration for part in av1]


def test_of_each_codec_the_smallest_rendition_is_decoded_whole(film: Path, tmp_path: Path) -> None:
    result = measured(film, "archive")
    top = result["plan"]["film"]["renditions"][0]
    small = {**top, "name": "96p", "width": 128, "height": 96}
    in_av1 = [{**one, "name": f"{one['name']}-av1", "codec": "av1"} for one in (top, small)]
    result["plan"]["film"] |= {"renditions": [top, small, *in_av1], "opening": None}

    facts = make_chunk(film, result, "chunk/0000", tmp_path)

    # A second of 30 frames, with one key frame.
    assert facts["checked"] == 2 * (30 + 1)


@pytest.mark.parametrize(
    ("found", "instead", "words"),
    [
        pytest.param(rb"(?<=mdat)\x0a", b"\x2a", "units beside the pictures", id="metadata in a picture"),
        pytest.param(rb"trun.{3}\x05", b"tru\0", "holds 1 traces", id="an unknown box"),
        pytest.param(rb"(?<=mdat.{400}).{400}", bytes(400), "does not decode", id="a broken picture"),
    ],
)
def test_av1_that_was_spoilt_is_not_published(
    film: Path, archived: Screening, tmp_path: Path, found: bytes, instead: bytes, words: str
) -> None:
    out = tmp_path / "out"
    shutil.copytree(archived.folder / "chunk/0000", out)
    path = out / "240p-av1-000.m4s"
    data = path.read_bytes()
    spoilt = re.search(found, data, re.DOTALL)
    assert spoilt is not None
    decided = plan.from_json(archived.result["plan"]).film
    assert decided is not None
    made = {"files": listed(out), "facts": archived.facts[0]}
    whole = source.from_json(archived.result["source"])
    assert proof.chunk(out, made, decided, decided.chunks[0], whole, film)["checked"] == 60

    path.write_bytes(data[: spoilt.start()] + instead + data[spoilt.start() + len(instead) :])

    with pytest.raises(ProofFailed, match=words):
        proof.chunk(out, made, decided, decided.chunks[0], whole, film)


@pytest.mark.parametrize(
    ("size", "seconds", "rate", "how"),
    [
        ((320, 240), 1, 60, {"rotation": 90}),
        ((320, 240), 1, 30, {"video_filter": "fps=24000/1001", "audio": False}),
        ((64, 48), 1, 10, {"audio": False}),
        ((2048, 128), 0.2, 30, {"audio": False}),
        ((320, 240), 0.1, 10, {"audio": False}),
        ((320, 240), 8, 1, {"audio": False, "gop": 4}),
    ],
    ids=["60 frames/s, upright", "23.976 frames/s", "tiny", "a panorama", "one frame", "a slide show"],
)
def test_whatever_the_film_is_like_av1_is_made_and_proved(
    tmp_path: Path, size: tuple[int, int], seconds: float, rate: int, how: dict[str, object]
) -> None:
    film = paint(tmp_path / "film.mov", size=size, seconds=seconds, rate=rate, **how)

    seen = screen(film, tmp_path / "out", "archive")

    assert [one["codecs"][:4] for one in seen.facts[0]["renditions"]] == ["avc1", "av01"]


def test_av1_is_made_of_the_largest_rendition_and_of_those_worth_it() -> None:
    wanted = presets.Av1(least=720, speed=8, crf=35, share=0.5)
    made = tuple(Rendition(f"{short}p", short, short * 2, short * 1000, short * 1500) for short in (1080, 720, 480))

    assert [(one.name, one.maxrate, one.codec) for one in ladder.also_av1(made, wanted)] == [
        ("1080p-av1", 540_000, Codec.AV1),
        ("720p-av1", 360_000, Codec.AV1),
    ]
    assert [one.name for one in ladder.also_av1(made[2:], wanted)] == ["480p-av1"]
    assert ladder.also_av1(made, None) == ()


def test_the_archive_is_the_workshop_with_av1_beside() -> None:
    workshop, archive = presets.load("workshop"), presets.load("archive")

    assert workshop.picture.av1 is None
    assert replace(archive, picture=replace(archive.picture, av1=None)) == workshop
    assert presets.recipe("archive") != presets.recipe("workshop")


@pytest.mark.parametrize(
    ("size", "rate", "level"),
    [((320, 240), 30, "2.0"), ((1280, 720), 30, "3.1"), ((720, 1280), 60, "4.0"), ((1080, 1920), 30, "4.0")],
)
def test_the_level_follows_from_size_and_rate(
    archived: Screening, size: tuple[int, int], rate: int, level: str
) -> None:
    film = plan.from_json(archived.result["plan"]).film
    assert film is not None

    assert encoders.av1_level(Rendition("x", *size, 1, 1), replace(film, rate=Fraction(rate))) == level


@pytest.mark.parametrize(
    ("configuration", "name"),
    [("81080c00", "av01.0.08M.08"), ("810dcc00", "av01.0.13H.10"), ("814c6c00", "av01.2.12M.12")],
)
def test_the_codec_is_named_as_its_configuration_says(configuration: str, name: str) -> None:
    def box(kind: bytes, *inside: bytes) -> bytes:
        body = b"".join(inside)
        return (8 + len(body)).to_bytes(4, "big") + kind + body

    entry = box(b"av01", bytes(78), box(b"av1C", bytes.fromhex(configuration)))
    table = box(b"stsd", bytes(8), entry)
    moov = box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", table)))))

    assert segments.codecs(memoryview(moov)) == name


def test_where_a_film_is_hurt_av1_loses_what_h264_loses(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mov", seconds=4, gop=5, audio=False, rate=20)
    data = bytearray(film.read_bytes())
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    middle = start + (end - start) // 2
    data[middle : middle + (end - start) // 15] = bytes((7 * n * n + 13) % 251 for n in range((end - start) // 15))
    film.write_bytes(data)

    seen = screen(film, tmp_path / "out", "archive")

    came = sum(facts["frames"] for facts in seen.facts)
    assert came < 80
    assert {one["frames"] for one in seen.facts[1]["renditions"]} == {came - 20}
    assert len(replace(seen, rendition=AV1).pictures()[0]) == came


def test_the_archive_is_made_by_the_command_in_its_sandbox(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=1, size=(160, 120))

    done = CliRunner().invoke(command.process, [str(film), "--out", str(tmp_path / "out"), "--preset", "archive"])

    assert done.exit_code == 0, done.output
    uris = [one.uri for one in m3u8.loads((tmp_path / "out/index.m3u8").read_text()).playlists]
    assert uris == ["120p.m3u8", "120p-av1.m3u8"]
    for uri in uris:
        names = m3u8.loads((tmp_path / "out" / uri).read_text())
        assert all((tmp_path / "out" / part.uri).is_file() for part in (*names.segments, *names.segment_map))
