"""docs/licences.md names every library that an installed copy holds, and every one that is built into the pages."""

import json
import re
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PAGE = re.sub(r"[-_.]+", "-", (ROOT / "docs" / "licences.md").read_text()).lower()


def _installed(name: str, found: set[str]) -> set[str]:
    """A package and all it needs here, without optional extras."""
    plain = re.sub(r"[-_.]+", "-", name).lower()
    if plain not in found:
        found.add(plain)
        for line in metadata.requires(name) or ():
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                _installed(wanted.name, found)
    return found


def test_every_package_that_is_installed_with_ours_is_on_the_page() -> None:
    needed = _installed("walkaround", set())
    assert len(needed) > 40
    assert {name for name in needed if not re.search(rf"\b{re.escape(name)}\b", PAGE)} == set()


def test_every_library_built_into_the_pages_is_on_the_page() -> None:
    built = json.loads((ROOT / "frontend" / "package.json").read_text())["dependencies"]
    names = {name.rpartition("/")[2].removesuffix(".org") for name in built}
    assert {name for name in names if name.replace(".", "-") not in PAGE} == set()
