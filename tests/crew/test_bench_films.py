"""The films of the bench: cut and made of the collection's, or drawn where there is none."""

from pathlib import Path

import pytest
from painting import paint

from workers import process as craft
from workers.bench.films import WALKAROUND, Films
from workers.demo import film as demo

ORDER = craft.Order(preset="workshop")


def _source(path: Path) -> dict[str, object]:
    source = craft.measure(path, ORDER)["result"]["source"]
    film = source["film"]
    return {key: film[key] for key in ("codec", "width", "height", "rotation", "hdr")} | {"s": source["duration"]}


@pytest.fixture
def films(tmp_path: Path) -> Films:
    """Of a collection whose walkaround film is 3 s of a small portrait."""
    (tmp_path / "media/synthetic").mkdir(parents=True)
    paint(tmp_path / "media" / WALKAROUND, seconds=3, size=(320, 180), codec="hevc", rotation=90)
    (tmp_path / "made").mkdir()
    return Films(tmp_path / "made", tmp_path / "media")


def test_the_same_film_comes_in_h264_lying_on_its_side_and_in_4k60(films: Films) -> None:
    hevc, h264, large = _source(films("hevc")), _source(films("h264", 1)), _source(films("4k60", 1))

    shape = {"width": hevc["width"], "height": hevc["height"], "rotation": hevc["rotation"]}
    assert shape["width"] == 180
    assert h264 | {"s": None} == {"codec": "h264", **shape, "hdr": "none", "s": None}
    assert h264["s"] == pytest.approx(1, abs=0.2)
    assert (large["codec"], large["width"], large["height"]) == ("h264", 360, 640)


def test_without_a_collection_the_demo_is_drawn_and_bent_to_hlg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "draw", lambda path: paint(path, seconds=1))
    films = Films(tmp_path)

    assert _source(films("hevc"))["codec"] == "hevc"
    assert _source(films("hlg"))["hdr"] == "hlg"
    assert films("hevc") == films("hevc")


def test_an_unknown_film_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="vhs"):
        Films(tmp_path)("vhs")
