"""What the browser tests share: a browser, a garage with a technician's phone and film, a house with customers."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from browsing import chromium
from handset import MIB, Hand, holding
from landing import Garage
from playwright.sync_api import Browser
from premiere import serving
from shopfloor import shop
from visiting import House, Visit, opened, visiting


@pytest.fixture(scope="module")
def garage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Garage]:
    opened = Garage(tmp_path_factory.mktemp("garage"), PART_BYTES=str(MIB))
    with serving(opened.app, opened.web.port):
        yield opened
    opened.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def station(garage: Garage) -> Garage:
    """The garage with its upload process: of its own, since tests kill it; the pages come from the tests' process."""
    garage.upload.start()
    return garage


@pytest.fixture
def hand(station: Garage, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Hand]:
    with holding(station, browser, request.node.name) as held:
        yield held


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "IMG_0042.MOV"
    path.write_bytes(os.urandom(6 * MIB + 4321))
    return path


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    with visiting(browser) as visit:
        yield visit


@pytest.fixture(scope="session")
def product() -> Iterator[tuple[ExitStack, list[str]]]:
    """What `address` keeps running, and where."""
    with ExitStack() as running:
        yield running, []


@pytest.fixture
def address(product: tuple[ExitStack, list[str]], request: pytest.FixtureRequest) -> Iterator[str]:
    """The whole product under `walkaround up`: one for all tests that ask for it, as long as any of them is to come.

    They are of one xdist group, so that one process has them all.
    """
    running, at = product
    if not at:
        at.append(running.enter_context(shop()))
    yield at[0]
    every = request.session.items
    if not any("address" in item.fixturenames for item in every[every.index(request.node) + 1 :]):
        at.clear()
        running.close()
