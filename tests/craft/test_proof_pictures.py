"""A chunk's first picture is held against the source's own: what a customer would see at once is seen here."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from painting import paint

from pipeline import measure, plan, proof, source, transcode
from pipeline.errors import ProofFailed
from pipeline.make import listed
from pipeline.source import Hdr

PQ = "hue=s=0.2,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
HLG = "hue=s=0.2,setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"


def _measured(film: Path) -> tuple[source.Source, plan.Plan]:
    result = measure.measure(film, "workshop", False)
    return source.from_json(result["source"]), plan.from_json(result["plan"])


def _proved(made_of: Path, said_to_be: Path, out: Path, *, hdr: Hdr | None = None) -> dict[str, Any]:
    """The facts of the first chunk of one film, proved to be that of another that is measured the same. `hdr` is what
    its maker took the colours for.
    """
    found, decided = _measured(said_to_be)
    assert decided.film is not None
    assert found.film is not None
    taken = found if hdr is None else replace(found, film=replace(found.film, hdr=hdr, matrix="bt709"))
    chunk = decided.film.chunks[0]
    out.mkdir()
    made = {"facts": transcode.make(made_of, taken, decided, chunk, None, out), "files": listed(out)}
    return proof.chunk(out, made, decided.film, chunk, found, said_to_be)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("honest") / "film.mp4", seconds=1, rotation=90, audio=False)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("drawbox=t=fill:c=black", "red|green|blue"),
        ("lutyuv=y=0:u=0:v=0", "red|green|blue"),
        ("hflip,vflip", "likeness"),
        ("hflip", "likeness"),
        ("vflip", "likeness"),
    ],
    ids=["black", "green", "upside down", "mirrored", "flipped"],
)
def test_a_wrong_picture_is_refused(honest: Path, tmp_path: Path, fault: str, said: str) -> None:
    wrong = paint(tmp_path / "wrong.mp4", seconds=1, rotation=90, audio=False, video_filter=fault)
    with pytest.raises(ProofFailed, match=said):
        _proved(wrong, honest, tmp_path / "out")


@pytest.mark.parametrize(
    "how",
    [
        {"rotation": 270},
        {"rotation": 90, "mirrored": True},
        {"video_filter": "tinterlace=interleave_top,setfield=tff", "extra": ["-flags", "+ildct+ilme"]},
        {"video_filter": "setsar=4/3"},
        {"video_filter": HLG},
        {"video_filter": PQ},
        {"rate": 60},
    ],
    ids=["turned", "turned and mirrored", "interlaced", "wide pixels", "HLG", "PQ", "60 frames/s"],
)
def test_an_honest_picture_is_like_its_source(tmp_path: Path, how: dict[str, Any]) -> None:
    film = paint(tmp_path / "film.mp4", seconds=1, audio=False, **how)
    witness = _proved(film, film, tmp_path / "out")["witness"]
    assert witness["likeness"] > (0.93 if "tinterlace" in str(how) else 0.97)


@pytest.mark.parametrize(
    "picture", ["drawbox=t=fill:c=black", "drawbox=t=fill:c=0x8899AA"], ids=["black", "one colour"]
)
def test_a_flat_picture_has_no_shape_but_its_light_is_compared(honest: Path, tmp_path: Path, picture: str) -> None:
    film = paint(tmp_path / "film.mp4", seconds=1, rotation=90, audio=False, video_filter=picture)
    witness = _proved(film, film, tmp_path / "out")["witness"]
    assert witness["likeness"] is None
    assert abs(witness["lighter"]) < 3
    with pytest.raises(ProofFailed):
        _proved(honest, film, tmp_path / "other")


@pytest.mark.parametrize("hdr", [HLG, PQ], ids=["HLG", "PQ"])
def test_hdr_shown_as_if_it_were_sdr_is_refused(tmp_path: Path, hdr: str) -> None:
    film = paint(tmp_path / "film.mp4", seconds=1, audio=False, video_filter=hdr)
    with pytest.raises(ProofFailed, match=r"light of|red|green|blue"):
        _proved(film, film, tmp_path / "out", hdr=Hdr.NONE)


def test_a_picture_that_the_source_does_not_give_is_no_evidence(honest: Path, tmp_path: Path) -> None:
    data = honest.read_bytes()
    at = data.index(b"mdat") + 200
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data[:at] + bytes(2000) + data[at + 2000 :])
    found, decided = _measured(honest)
    assert decided.film is not None
    out = tmp_path / "out"
    out.mkdir()
    chunk = decided.film.chunks[0]
    made = {"facts": transcode.make(honest, found, decided, chunk, None, out), "files": listed(out)}
    assert proof.chunk(out, made, decided.film, chunk, found, broken)["witness"] is None
