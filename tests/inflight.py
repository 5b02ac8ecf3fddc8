"""A crew, a film and a phone, for films that are made while they arrive: what the tests of early making share."""

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import arriving
import crewroom
import pytest
from arriving import Arrival, Film
from crewroom import Crew

from pipeline.catalog.models import State
from workers import child

MOST = 8.0  # s of the film that arrive early: enough for the second chunk


_made: dict[str, tuple[dict[str, Any], dict[str, bytes]]] = {}


def run(job: dict[str, Any], *, inputs: dict[str, Path], out: Path | None = None, **_: object) -> dict[str, Any]:
    """As `arriving.run`; the same job on the very same bytes, which many of these tests end with, is done once."""
    if job["verb"] != "make" or out is None:
        return arriving.run(job, inputs=inputs, out=out)
    read = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in inputs.items()}
    key = json.dumps([job, read], sort_keys=True)
    if key not in _made:
        answer = arriving.run(job, inputs=inputs, out=out)
        _made[key] = answer, {path.name: path.read_bytes() for path in out.iterdir()}
    answer, files = _made[key]
    for name, body in files.items():
        (out / name).write_bytes(body)
    return answer


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    with crewroom.crew(tmp_path, monkeypatch, lease_s=5) as crew:
        monkeypatch.setattr(child, "run", run)
        yield crew


@cache
def _painted(seconds: float, gop: int, place: str) -> Film:
    with TemporaryDirectory() as folder:
        return arriving.film(
            Path(folder) / "film.mov", seconds, gop=gop, metadata={"location": place} if place else None
        )


@pytest.fixture(scope="module")
def film() -> Film:
    return _painted(9, 15, "+48.8584+002.2945/")


@pytest.fixture(scope="module")
def other() -> Film:
    """Another film, with fewer pictures."""
    return _painted(5, 10, "")


_plain: dict[bytes, dict[str, str]] = {}


@pytest.fixture(scope="module")
def plain(film: Film, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digests of all that a plain upload of the film makes; once for all modules."""
    if film.body in _plain:
        return _plain[film.body]
    with pytest.MonkeyPatch.context() as monkeypatch:
        with crewroom.crew(tmp_path_factory.mktemp("plain"), monkeypatch) as crew:
            monkeypatch.setattr(child, "run", arriving.run)
            arrival = Arrival(crew, len(film.body))
            arrival.send(film.body, piece=len(film.body))
            crew.work()
            assert crew.asset(arrival.asset_id).state is State.READY
            assert {name.split("/")[0] for name in arrival.digests()} == {"poster", "chunk", "storyboard", "preview"}
            return _plain.setdefault(film.body, arrival.digests())


def finish(crew: Crew, arrival: Arrival, film: Film) -> list[str]:
    arrival.send(film.body)
    called = crew.work()
    assert crew.asset(arrival.asset_id).state is State.READY
    return called
