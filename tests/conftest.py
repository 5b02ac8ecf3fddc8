"""What every test may use."""

from pathlib import Path

import pytest

MEDIA = Path(__file__).parent.parent.parent / "shared" / "media"


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of real phone files; the test is skipped where it is absent."""
    if not (MEDIA / "MANIFEST.tsv").exists():
        pytest.skip("../shared/media is not here")
    return MEDIA


# Their tests each make a file of the collection, take minutes together, and share nothing dear.
APART = ("test_corpus_files", "test_hostile_files")

# What takes longest is begun first and what is shared out best comes last, so that all processes end at the same time.
LONG = ["up", "recovery", "hosts", "tests/crew/test_recovery_lines.py", "servers"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A module's tests run in one process, since they share what is dear to make: servers, pages, painted films."""
    for item in items:
        module = item.nodeid.partition("::")[0]
        if not any(item.iter_markers("xdist_group")) and Path(module).stem not in APART:
            item.add_marker(pytest.mark.xdist_group(module))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    """When a test's turn is, of those that are in any order otherwise."""
    if item.path.stem in APART:
        return len(LONG) + 1
    group = next(item.iter_markers("xdist_group")).args[0]
    return LONG.index(group) if group in LONG else len(LONG)
