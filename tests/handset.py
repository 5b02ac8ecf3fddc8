"""Bob's phone on the technician's page, in a browser against the real processes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from browsing import PHONE
from landing import Garage
from playwright.sync_api import Browser, BrowserContext, Locator, Page
from sqlalchemy import select

from pipeline.catalog.models import Asset
from webapp.database import session
from webapp.interventions.models import Item

MIB = 1 << 20
SLOW = {"offline": False, "latency": 20, "downloadThroughput": 4 * MIB, "uploadThroughput": 2 * MIB}  # bytes/s


@dataclass
class Hand:
    """Bob's phone on one intervention's page."""

    garage: Garage
    context: BrowserContext
    page: Page
    intervention: str

    def pick(self, name: str, *files: Path) -> None:
        self.page.locator(f"input[name={name}]").set_input_files([str(file) for file in files])

    @property
    def cards(self) -> Locator:
        return self.page.locator(".entry")

    def slow_down(self) -> None:
        """A line on which a film takes seconds; the emulation ends with a navigation."""
        self.context.new_cdp_session(self.page).send("Network.emulateNetworkConditions", SLOW)

    def shown(self) -> int:
        """The bytes the page says have arrived."""
        return int(self.cards.first.get_attribute("data-acknowledged") or 0)

    def stored(self) -> list[Asset]:
        with self.garage.app.app_context():
            query = select(Asset).join(Item).where(Item.intervention_id == self.intervention).order_by(Item.position)
            return list(session.scalars(query))

    def wait(self, fact: Callable[[], bool], seconds: float = 90) -> None:
        """Until a fact holds; at every look the page shows no more than what is stored."""
        deadline = time.monotonic() + seconds
        while not fact():
            assert time.monotonic() < deadline, self.page.locator("body").inner_text()
            self.is_honest()
            time.sleep(0.2)
        self.is_honest()

    def is_honest(self) -> None:
        shown = self.shown() if self.cards.count() else 0
        assert shown <= sum(asset.received for asset in self.stored())

    def says(self, key: str) -> bool:
        return self.page.locator(".status").get_attribute("data-key") == key

    def all_arrived(self) -> bool:
        return bool(assets := self.stored()) and all(asset.received == asset.size for asset in assets)


@contextmanager
def holding(garage: Garage, browser: Browser, reference: str) -> Iterator[Hand]:
    """A phone with a new intervention's page open; no script may have failed when it is put away."""
    intervention = garage.intervention(reference[-40:])
    context = browser.new_context(**PHONE)
    context.add_cookies([garage.cookie()])
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{garage.settings.effective_public_url}/interventions/{intervention}/capture")
    yield Hand(garage, context, page, intervention)
    context.close()
    assert faults == []


@contextmanager
def looking(garage: Garage, browser: Browser) -> Iterator[Callable[..., Page]]:
    """`open_page(intervention, width=390, height=844, colours="light")` → the page, which must raise no error."""
    faults, contexts = [], []

    def open_page(intervention: str, width: int = 390, height: int = 844, colours: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=colours,
            has_touch=width < 900,
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.add_cookies([garage.cookie()])
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: "Content Security" in message.text and faults.append(message.text))
        page.goto(f"{garage.settings.effective_public_url}/interventions/{intervention}/capture")
        page.locator(".status").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
