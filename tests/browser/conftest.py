"""What the browser tests share: a browser, a garage with a technician's phone and film, a house with customers."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import chromium
from handset import MIB, Hand, holding
from landing import Garage
from playwright.sync_api import Browser
from premiere import serving
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
