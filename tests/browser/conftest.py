"""What the browser tests share: a browser, a garage with a technician's phone and film, a house with customers."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import chromium
from handset import MIB, Hand, holding
from landing import Garage
from playwright.sync_api import Browser, Page
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


@pytest.fixture
def staff(garage: Garage, browser: Browser) -> Iterator[Callable[..., Page]]:
    """`staff(path, name="Bob", **context)` → a page of the staff, signed in as that person."""
    contexts = []

    def open_page(path: str, name: str = "Bob", **options: Any) -> Page:
        contexts.append(context := browser.new_context(**({"reduced_motion": "reduce"} | options)))
        context.add_cookies([garage.cookie(name)])
        page = context.new_page()
        page.goto(f"{garage.settings.effective_public_url}{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def desk(staff: Callable[..., Page]) -> Callable[..., Page]:
    """`desk(intervention, **context)` → the intervention's page, signed in as Bob."""
    return lambda intervention, **options: staff(f"/interventions/{intervention}", **options)
