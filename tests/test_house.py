"""The house keeps its shape: stairs only go down, no decoder near a request, no strange rooms at the top."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_every_room_has_a_name_that_says_what_is_in_it() -> None:
    floors = {"pipeline", "webapp", "workers", "presets"}
    kept = {"var", "dist"}  # what running and building leave there, and git ignores
    rooms = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))}
    assert rooms - kept == floors | {"tests", "docs", "frontend"}
    named = {
        path.stem for floor in floors for path in (ROOT / floor).rglob("*") if path.is_dir() or path.suffix == ".py"
    }
    assert named.isdisjoint({"utils", "util", "helpers", "common", "services", "managers", "base", "misc"})


def test_only_settings_reads_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for floor in ("pipeline", "workers", "webapp", "presets")
        for path in (ROOT / floor).rglob("*.py")
        if "os.environ" in (text := path.read_text()) or "getenv" in text
    }
    # The trial reads no setting: it looks whether anything can be seen from behind the walls.
    assert readers <= {"workers/settings.py", "workers/sandbox/trial.py"}


def test_only_the_storage_room_knows_boto3() -> None:
    users = {
        str(path.relative_to(ROOT))
        for floor in ("pipeline", "workers", "webapp")
        for path in (ROOT / floor).rglob("*.py")
        if "import boto3" in path.read_text()
    }
    assert all(user.startswith("pipeline/catalog/storage") for user in users)


def test_what_shares_a_module_runs_in_one_process(request: pytest.FixtureRequest) -> None:
    """xdist tells groups by the ids of tests; in one process there is nothing to tell."""
    if getattr(request.config.option, "loadgroup", False):
        assert request.node.nodeid.endswith("@tests/test_house.py")
