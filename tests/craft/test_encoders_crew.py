"""The crew and a graphics card: decided when a film is measured, and again where the card does not encode it."""

from collections.abc import Iterator
from pathlib import Path

import crewroom
import pytest
from crewroom import Crew
from painting import paint
from structlog.testing import capture_logs

from pipeline import presets
from pipeline.catalog import assets
from pipeline.catalog.models import Asset, State
from pipeline.presets import Encoder
from workers import child, connections, hardware


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    """A crew whose children are the craft itself."""
    craft = child.run
    with crewroom.crew(tmp_path / "data", monkeypatch) as crew:
        monkeypatch.setattr(child, "run", craft)
        yield crew


def test_a_film_whose_card_is_not_in_this_unit_is_planned_again_for_x264(
    crew: Crew, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = paint(tmp_path / "film.mp4", seconds=1, size=(160, 120))
    # Another unit measured it, and had a card.
    monkeypatch.setattr(hardware, "choose", lambda preset: Encoder.NVENC)
    asset_id = crew.send(film.read_bytes(), part_bytes=100_000)

    with capture_logs() as said:
        called = crew.work()

    asset = crew.asset(asset_id)
    assert (asset.state, asset.reason) == (State.READY, None)
    assert asset.recipe == presets.recipe("workshop") != presets.recipe("workshop", Encoder.NVENC)
    with connections.reading() as session:
        assert hardware.encoder(session.get_one(Asset, asset_id).plan) is Encoder.X264
        made = {row.name: row.recipe for row in assets.outputs(session, asset_id)}
    assert made == dict.fromkeys(["poster", "chunk/0000", "storyboard", "preview"], asset.recipe)
    assert called.count("make chunk/0000") == 2
    failures = [line for line in said if line["event"] == "encoder.failed"]
    assert [(line["encoder"], line["instead"]) for line in failures] == [("nvenc", "x264")]
    assert not [line for line in said if line["event"] == "attempt.failed"]
