"""A crew with a real broker, which many tests replace by their own; a child that runs a few lines of a test's, in each
of the layers.
"""

from collections.abc import Iterator
from pathlib import Path

import crewroom
import pytest
import servers
from crewroom import Crew

from workers import sandbox
from workers.sandbox.landlock import Landlock, Unguarded


@pytest.fixture(scope="module")
def valkey() -> Iterator[servers.Valkey]:
    with servers.valkey() as server:
        yield server


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, valkey: servers.Valkey) -> Iterator[Crew]:
    valkey.flush()
    with crewroom.crew(tmp_path, monkeypatch, redis_url=valkey.url, sandbox="none", window=2, sweep_s=0.1) as crew:
        yield crew


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A file with a private name, readable by its owner alone."""
    folder = tmp_path / "Alice's films"
    folder.mkdir()
    (folder / "plate AB-123-CD.mov").write_bytes(b"film")
    (folder / "plate AB-123-CD.mov").chmod(0o600)
    return folder / "plate AB-123-CD.mov"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture(params=["chosen", "landlock", "none"])
def layer(request: pytest.FixtureRequest) -> sandbox.Layer:
    if request.param == "chosen":
        return sandbox.choose("auto")
    return Landlock() if request.param == "landlock" else Unguarded()
