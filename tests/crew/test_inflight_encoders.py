"""A film that arrives, and a graphics card that does not make it: the encoder found early is the film's encoder."""

from typing import Any

import inflight
import pytest
from arriving import Arrival, Film
from crewroom import Crew
from inflight import MOST, finish

from pipeline.presets import Encoder
from workers import hardware

pytestmark = pytest.mark.xdist_group("inflight")  # the same film in all of them

crew, film = inflight.crew, inflight.film


def test_what_x264_made_early_in_place_of_a_card_is_kept_at_the_last_byte(
    crew: Crew, film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "choose", lambda preset: Encoder.NVENC)
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, film.index)
    arrival.send(film.body, film.until(MOST))
    crew.work()
    early = arrival.outputs()
    assert "chunk/0001" in early

    called = finish(crew, arrival, film)

    assert called == ["ingest", "make chunk/0002", "make storyboard", "make preview"]
    assert arrival.outputs().items() >= early.items()


def test_a_plan_keeps_the_encoder_it_had_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "choose", lambda preset: Encoder.NVENC)
    plan: dict[str, Any] = {"preset": "workshop", "recipe": "r", "film": {"encoder": "x264"}}
    measured = {"recipe": "r", "plan": plan}

    assert hardware.encoder(hardware.decided(measured, "workshop")["plan"]) is Encoder.NVENC
    assert hardware.decided(measured, "workshop", plan) == measured
    assert hardware.decided({"later": None}, "workshop", plan) == {"later": None}
