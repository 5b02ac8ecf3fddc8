"""The customer's page in a real browser: it plays, keeps its shape and its secrets, and works without scripts."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uuid_utils
from axe_playwright_python.sync_playwright import Axe
from browsing import chromium
from cast import add_dealership
from flask import Flask
from painting import paint
from playwright.sync_api import Browser, Page
from premiere import Premiere, serving
from sqlalchemy import select

from pipeline.catalog.models import Base
from webapp.app import create_app
from webapp.customers import links
from webapp.customers.models import Link
from webapp.database import session
from webapp.interventions.models import Intervention
from workers.settings import Settings

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
FILM = "document.querySelector('media-controller video')"

BUFFERED = f"(b => [b.length, b.start(0), b.end(b.length - 1)])({FILM}.buffered)"


@dataclass
class House:
    """A running shop with one dealer."""

    app: Flask
    premiere: Premiere
    address: str
    dealership: str

    def intervention(self, **fields: Any) -> str:
        with self.app.app_context():
            now, id = time.time(), str(uuid_utils.uuid7())
            given = {"make": "Renault", "model": "Mégane", "plate": "GB-123-LM", "customer_name": "Camille Durand"}
            row = {"id": id, "dealership_id": self.dealership, "reference": id[-12:], "created_at": now}
            session.add(Intervention(**(given | row | fields), updated_at=now))
            session.commit()
        return id

    def url(self, intervention: str) -> str:
        return self.address + self.premiere.link(intervention)

    def revoke(self, intervention: str) -> None:
        with self.app.app_context():
            links.revoke(self.link(intervention))
            session.commit()

    def link(self, intervention: str) -> Link:
        return session.scalars(select(Link).where(Link.intervention_id == intervention)).one()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    app = create_app(Settings(data_dir=folder, secret_key="for tests only, 32 characters long"), "web")
    Base.metadata.create_all(app.extensions["engine"])
    with app.app_context():
        dealer = add_dealership("Garage Lumière")
        dealer.phone, dealer.email = "+33142681234", "atelier@garage-lumiere.example"
        dealer.address, dealer.colour = "12 rue des Ateliers, 75011 Paris", "#ffcc00"
        session.commit()
        dealership = dealer.id
    with serving(app) as address:
        yield House(app, Premiere(app), address, dealership)
    app.extensions["engine"].dispose()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@dataclass
class Visit:
    """A page, and everything that went wrong or went out while it was open."""

    page: Page
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def until(self, script: str, seconds: float = 20) -> Any:
        """Poll (the page forbids eval) until the expression is true."""
        end = time.monotonic() + seconds
        while not (value := self.page.evaluate(script)):
            assert time.monotonic() < end, f"not after {seconds} s: {script}; {self.faults}"
            self.page.wait_for_timeout(50)
        return value


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    contexts = []

    def open(url: str, **options: Any) -> Visit:
        context = browser.new_context(**(PHONE | options))
        contexts.append(context)
        made = Visit(context.new_page())
        made.page.on("request", lambda request: made.requests.append(request.url))
        made.page.on(
            "response", lambda got: made.faults.append(f"{got.status} {got.url}") if got.status > 399 else None
        )
        made.page.on("console", lambda line: line.type != "error" or made.faults.append(line.text))
        made.page.on("pageerror", lambda error: made.faults.append(str(error)))
        made.page.goto(url)
        return made

    yield open
    for context in contexts:
        context.close()


def test_a_tap_plays_the_film_with_sound_to_its_end(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit(house.url(intervention))

    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.5")
    assert seen.page.evaluate(f"{FILM}.muted") is False
    assert seen.page.evaluate(f"{FILM}.videoWidth < {FILM}.videoHeight")
    seen.until(f"{FILM}.ended")

    count, start, end = seen.page.evaluate(BUFFERED)
    assert count == 1
    assert start == pytest.approx(0, abs=0.1)
    assert end == pytest.approx(6, abs=0.1)
    assert seen.page.evaluate(f"{FILM}.error") is None
    assert seen.faults == []
    assert {url.split("/", 3)[2] for url in seen.requests if url.startswith("http")} == {house.address[7:]}


def test_chunks_made_apart_join_without_a_seam(house: House, visit: Callable[..., Visit], tmp_path: Path) -> None:
    phone = paint(tmp_path / "film.mov", seconds=7, size=(320, 240), rotation=90)
    intervention = house.intervention()
    house.premiere.craft(intervention, phone, tmp_path)
    seen = visit(house.url(intervention))

    shape = seen.page.locator(".screen").bounding_box()
    assert shape["width"] / shape["height"] == pytest.approx(240 / 320, rel=0.02)
    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 2.5")  # over the first seam
    seen.until(f"{FILM}.ended")

    count, start, end = seen.page.evaluate(BUFFERED)
    assert count == 1
    assert start < 0.1  # pictures in decoding order have up to two frames to wait, and players jump 100 ms
    assert end - start == pytest.approx(7, abs=0.1)
    assert seen.page.evaluate(f"[{FILM}.videoWidth, {FILM}.videoHeight]") == [240, 320]
    quality = seen.page.evaluate(
        f"(q => [q.totalVideoFrames, q.corruptedVideoFrames])({FILM}.getVideoPlaybackQuality())"
    )
    assert quality == [pytest.approx(210, abs=2), 0]
    assert seen.faults == []


def test_seeking_lands_where_it_was_asked_and_previews_the_storyboard(
    house: House, visit: Callable[..., Visit]
) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit(house.url(intervention), viewport={"width": 1280, "height": 900}, is_mobile=False, has_touch=False)

    seen.page.click(".start")
    seen.until(f"{FILM}?.currentTime > 0.2")
    seen.page.evaluate(f"{FILM}.pause(), {FILM}.currentTime = 4.5")
    seen.until(f"!{FILM}.seeking && {FILM}.readyState > 2")

    assert seen.page.evaluate(f"{FILM}.currentTime") == pytest.approx(4.5, abs=0.01)
    bar = seen.page.locator("media-time-range").bounding_box()
    seen.page.mouse.move(bar["x"] + bar["width"] * 0.5, bar["y"] + bar["height"] * 0.5)
    seen.until("document.querySelector('media-controller').hasAttribute('mediapreviewimage')")
    assert seen.faults == []


def test_an_upright_film_keeps_its_shape_from_the_first_paint_on(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit("about:blank")
    seen.page.add_init_script(
        "window.moved = 0; new PerformanceObserver(list => { for (const e of list.getEntries()) moved += e.value })"
        ".observe({ type: 'layout-shift', buffered: true })"
    )
    seen.page.goto(house.url(intervention))

    before = seen.page.locator(".screen").bounding_box()
    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.2")

    assert before["width"] == 390
    assert before["width"] / before["height"] == pytest.approx(270 / 480, rel=0.01)
    after = seen.page.locator(".screen").bounding_box()
    assert (after["width"], after["height"]) == (before["width"], before["height"])
    assert seen.page.evaluate("moved") < 0.01


def test_a_growing_film_is_played_to_the_end_that_it_did_not_have_yet(
    house: House, visit: Callable[..., Visit]
) -> None:
    intervention = house.intervention()
    film = house.premiere.screening(intervention, chunks=1)
    seen = visit(house.url(intervention))

    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.5")
    assert seen.page.evaluate(f"{FILM}.currentTime") < 2.5
    house.premiere.finish(film)
    seen.until(f"{FILM}.ended", 40)

    assert seen.page.evaluate(f"{FILM}.currentTime") == pytest.approx(6, abs=0.1)
    seen.until("document.querySelector('.film').dataset.stage === 'ready'")
    assert seen.page.evaluate("performance.getEntriesByType('navigation').length") == 1
    assert seen.faults == []


def test_a_film_still_being_made_appears_by_itself(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    film = house.premiere.screening(intervention, chunks=0, poster=False)
    seen = visit(house.url(intervention))

    assert "being prepared" in seen.page.inner_text(".screen")
    assert seen.page.locator(".start").count() == 0
    shape = seen.page.locator(".screen").bounding_box()
    house.premiere.finish(film)
    seen.page.wait_for_selector(".start", timeout=15000)

    assert seen.page.locator(".screen").bounding_box() == shape
    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.2")
    assert seen.faults == []


def test_a_revoked_link_is_said_plainly_instead_of_a_dead_player(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit(house.url(intervention))

    house.revoke(intervention)
    seen.page.tap(".start")
    seen.page.wait_for_selector(".broken", timeout=30000)

    assert "could not be played" in seen.page.inner_text(".broken")
    assert seen.page.locator("media-controller").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_axe_finds_nothing(house: House, visit: Callable[..., Visit], width: int, scheme: str) -> None:
    intervention = house.intervention(asked="A noise when braking.")
    house.premiere.screening(intervention, caption="The left brake pad is down to 2 mm.")
    for caption in ("Front left", "", "Rear right"):
        house.premiere.print(intervention, caption=caption)
    house.premiere.document(intervention, caption="Report")
    size = {"width": width, "height": 800}
    seen = visit(house.url(intervention), viewport=size, color_scheme=scheme, is_mobile=False, has_touch=False)

    assert Axe().run(seen.page).violations_count == 0, Axe().run(seen.page).generate_report()
    assert seen.page.evaluate("document.documentElement.scrollWidth") == width
    seen.page.click(".start")
    seen.until(f"{FILM}?.currentTime > 0.1")
    playing = Axe().run(seen.page)
    assert playing.violations_count == 0, playing.generate_report()


def test_photos_open_large_and_close_where_they_were(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    for caption in ("Front left", "Rear right"):
        house.premiere.print(intervention, caption=caption)
    seen = visit(house.url(intervention), viewport={"width": 1000, "height": 800}, is_mobile=False, has_touch=False)

    seen.page.click(".photo:first-child a")
    assert seen.page.inner_text("dialog .about") == "Front left"
    seen.page.keyboard.press("ArrowRight")
    assert seen.page.inner_text("dialog .about") == "Rear right"
    assert seen.page.evaluate("document.querySelector('dialog img').currentSrc").endswith("/800.jpg")
    assert Axe().run(seen.page).violations_count == 0
    seen.page.keyboard.press("Escape")

    assert not seen.page.locator("dialog").is_visible()
    assert seen.page.evaluate("document.activeElement.closest('.photo').innerText").strip() == "Rear right"
    assert seen.faults == []


def test_without_scripts_everything_can_be_read_and_the_film_has_the_browsers_own_player(
    house: House, visit: Callable[..., Visit]
) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention, caption="The left brake pad is down to 2 mm.")
    house.premiere.print(intervention, caption="Front left")
    house.premiere.document(intervention, caption="Report")
    seen = visit(house.url(intervention), java_script_enabled=False)

    assert "The left brake pad" in seen.page.inner_text("main")
    assert "JavaScript" in seen.page.inner_text(".films > noscript")
    assert seen.page.locator("noscript video[controls][poster]").get_attribute("src").endswith("/index.m3u8")
    photo = seen.page.locator(".photo img")
    photo.scroll_into_view_if_needed()
    assert photo.is_visible()
    assert seen.page.locator(".paper a[download]").get_attribute("href").endswith("/document.pdf")
    assert seen.page.locator("a[href^='tel:']").first.is_visible()


def test_that_the_page_was_opened_is_said_by_the_page_and_not_by_a_scanner(
    house: House, visit: Callable[..., Visit]
) -> None:
    intervention = house.intervention()
    url = house.url(intervention)
    visit(url, java_script_enabled=False)
    with house.app.app_context():
        assert house.link(intervention).opened_at is None

    before = time.time()
    with (seen := visit("about:blank")).page.expect_response("**/opened") as answer:
        seen.page.goto(url)

    assert answer.value.status == 204
    with house.app.app_context():
        assert house.link(intervention).opened_at == pytest.approx(before, abs=10)


def test_two_links_live_side_by_side_on_one_phone(house: House, visit: Callable[..., Visit]) -> None:
    first, second = house.intervention(model="Mégane"), house.intervention(model="Clio")
    seen = visit(house.url(first))
    clean = seen.page.url
    seen.page.goto(house.url(second))
    assert "Clio" in seen.page.inner_text("h1")

    seen.page.goto(clean)
    assert "Mégane" in seen.page.inner_text("h1")
    cookies = seen.page.context.cookies()
    assert len(cookies) == 2
    assert all(cookie["name"].startswith("__Host-") and cookie["secure"] and cookie["httpOnly"] for cookie in cookies)


def test_the_page_costs_at_most_sixty_kilobytes_before_play(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit("about:blank")
    network = seen.page.context.new_cdp_session(seen.page)
    kinds, sizes = {}, {}
    network.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    network.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}))
    network.send("Network.enable")
    seen.page.goto(house.url(intervention), wait_until="networkidle")

    spent = dict.fromkeys(kinds.values(), 0)
    for id, kind in kinds.items():
        spent[kind] += sizes.get(id, 0)
    assert spent["Document"] > 1000
    assert spent["Script"] > 1000
    assert sum(size for kind, size in spent.items() if kind != "Image") <= 60_000
