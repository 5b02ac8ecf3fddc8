"""What every test may use."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import shopfloor
from shopfloor import Product

MEDIA = Path(__file__).parent.parent.parent / "shared" / "media"


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of real phone files; the test is skipped where it is absent."""
    if not (MEDIA / "MANIFEST.tsv").exists():
        pytest.skip("../shared/media is not here")
    return MEDIA


@pytest.fixture(scope="session")
def _running() -> Iterator[tuple[ExitStack, list[Product]]]:
    """What `product` keeps running."""
    with ExitStack() as running:
        yield running, []


@pytest.fixture
def product(_running: tuple[ExitStack, list[Product]], request: pytest.FixtureRequest) -> Iterator[Product]:
    """The whole product under `walkaround up`: one for all tests that ask for it, as long as any of them is to come.

    They are of one xdist group, so that one process has them all.
    """
    running, made = _running
    if not made:
        made.append(running.enter_context(shopfloor.product()))
    yield made[0]
    every = request.session.items
    if not any("product" in item.fixturenames for item in every[every.index(request.node) + 1 :]):
        made.clear()
        running.close()


@pytest.fixture
def address(product: Product) -> str:
    """Where the product's pages are."""
    return product.address


# Their tests each make a file of the collection, take minutes together, and share nothing dear.
APART = ("test_corpus_files", "test_hostile_files")

# What takes longest is begun first and what is shared out best comes last, so that all processes end at the same time.
LONG = ["up", "recovery", "hosts", "inflight", "tests/crew/test_recovery_lines.py", "servers"]


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
