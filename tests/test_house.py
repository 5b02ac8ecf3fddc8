"""The house keeps its shape: stairs only go down, no decoder near a request, no strange rooms at the top."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("pipeline", "workers", "webapp", "presets")
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "os.unsetenv"}
KEY = re.compile(r"(assets|logos|parts|hints|made)/")


@cache
def rooms() -> dict[str, ast.Module]:
    """Every module of the product, by its path."""
    paths = [path for floor in FLOORS for path in (ROOT / floor).rglob("*.py")]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in paths}


def used(module: ast.Module) -> Iterator[str]:
    """Dotted names a module imports, or takes out of what it imported, whatever it calls them."""
    called: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            called |= {one.asname or one.name: one.name for one in node.names}
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{one.name}" for one in node.names)
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in called:
            yield f"{called[node.value.id]}.{node.attr}"


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def kept_at_the_top() -> set[str]:
    """What stands there for everybody: of a repository what git keeps, whatever else its owner has put beside it."""
    there = {path.name for path in ROOT.iterdir()}
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
        there &= {path.partition("/")[0] for path in listed.stdout.split("\0")}
    return {name for name in there if not name.startswith((".", "__"))}


def test_every_room_has_a_name_that_says_what_is_in_it() -> None:
    floors = set(FLOORS)
    folders = {name for name in kept_at_the_top() if (ROOT / name).is_dir()}
    left = {"var", "dist", "bench.json"}  # by running, building and measuring; git ignores them
    assert folders - left == floors | {"tests", "docs", "frontend"}
    page = {"README.md", "CONTRIBUTING.md", "LICENSE"}
    assert kept_at_the_top() - folders - left == page | {"Procfile", "dev", "pyproject.toml", "requirements.lock"}
    named = {
        path.stem for floor in floors for path in (ROOT / floor).rglob("*") if path.is_dir() or path.suffix == ".py"
    }
    assert named.isdisjoint({"utils", "util", "helpers", "common", "services", "managers", "base", "misc"})


def test_only_settings_reads_the_environment() -> None:
    readers = {path for path, module in rooms().items() if ENVIRONMENT.intersection(used(module))}
    # The trial reads no setting: it looks whether anything can be seen from behind the walls.
    assert readers <= {"workers/settings.py", "workers/sandbox/trial.py"}


def test_only_the_storage_room_knows_boto3() -> None:
    users = {
        path
        for path, module in rooms().items()
        if {"boto3", "botocore", "s3transfer"} & {name.partition(".")[0] for name in used(module)}
    }
    assert all(user.startswith("pipeline/catalog/storage") for user in users)


@pytest.mark.parametrize(
    "written",
    [
        "import os\nos.environ['X']",
        "import os as system\nsystem.getenv('X')",
        "from os import environ",
        "def late():\n    from os import getenv as look",
    ],
)
def test_the_environment_is_found_however_it_is_read(written: str) -> None:
    assert ENVIRONMENT.intersection(used(ast.parse(written)))


def test_only_one_room_writes_keys() -> None:
    writers = {
        path
        for path, module in rooms().items()
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.match(node.value)
    }
    assert writers == {"pipeline/catalog/keys.py"}


def test_what_shares_a_module_runs_in_one_process(request: pytest.FixtureRequest) -> None:
    """xdist tells groups by the ids of tests; in one process there is nothing to tell."""
    if getattr(request.config.option, "loadgroup", False):
        assert request.node.nodeid.endswith("@tests/test_house.py")
