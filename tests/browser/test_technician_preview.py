"""The technician's preview: a film as the customer will see it, whatever happens to it meanwhile."""

from collections.abc import Callable, Iterator

import pytest
from browsing import PHONE
from landing import Garage
from playwright.sync_api import Browser, Page, expect
from premiere import Premiere
from running import wait_for
from sqlalchemy import delete

from pipeline.catalog.models import Output
from webapp.database import session

pytestmark = pytest.mark.browser

FILM = "document.querySelector('dialog.preview video')"
NO_SOURCE = "for (const name of ['MediaSource', 'ManagedMediaSource', 'WebKitMediaSource']) delete window[name];"
NO_HLS = "HTMLMediaElement.prototype.canPlayType = () => '';"
ASKED = """window.asked = [];
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () { asked.push(window.event?.type); return play.call(this); };"""
SENTENCE = "The film could not be played. Check your connection and try again."


@pytest.fixture
def premiere(garage: Garage) -> Premiere:
    return Premiere(garage.app)


@pytest.fixture
def preview(garage: Garage, browser: Browser) -> Iterator[Callable[..., Page]]:
    """`preview(intervention, script="", lost="")`: the page of a phone, with its only film opened; what is `lost` by
    then does not come any more. No script may fail."""
    context, faults = browser.new_context(**PHONE), []
    context.add_cookies([garage.cookie()])

    def open_film(intervention: str, script: str = "", lost: str = "") -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.add_init_script(script)
        page.goto(f"{garage.settings.effective_public_url}/interventions/{intervention}/capture")
        page.locator(".entry .thumb").wait_for()
        if lost:
            page.route(lost, lambda route: route.abort())
        page.locator(".entry .thumb").click()
        page.locator("dialog.preview video").wait_for(state="attached")
        return page

    yield open_film
    context.close()
    assert faults == []


def until(page: Page, script: str, seconds: float = 40) -> None:
    wait_for(lambda: page.evaluate(script), seconds)


def test_the_tap_that_opens_a_film_plays_it(garage: Garage, premiere: Premiere, preview: Callable[..., Page]) -> None:
    made = garage.intervention("RO-tap")
    premiere.screening(made)
    page = preview(made, ASKED)

    until(page, f"{FILM}.currentTime > 0.5")
    assert page.evaluate("asked[0]") == "click", "asked inside the gesture, without which no phone plays with sound"
    assert not page.evaluate(f"{FILM}.muted")


def test_a_film_that_cannot_be_played_there_is_said_to_be_so(
    garage: Garage, premiere: Premiere, preview: Callable[..., Page]
) -> None:
    made = garage.intervention("RO-none")
    premiere.screening(made)
    page = preview(made, NO_SOURCE + NO_HLS)

    expect(page.locator("dialog.preview .broken")).to_have_text(SENTENCE)
    box = page.locator("dialog.preview .broken").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.get_by_role("button", name="Close").click()
    expect(page.locator("dialog.preview")).to_have_count(0)


def test_a_phone_without_any_media_source_plays_the_preview_itself(
    garage: Garage, premiere: Premiere, preview: Callable[..., Page]
) -> None:
    made = garage.intervention("RO-old")
    premiere.screening(made)
    page = preview(made, NO_SOURCE)

    until(page, f"{FILM}.src.endsWith('/index.m3u8')")
    assert page.locator("dialog.preview .broken").count() == 0


def test_without_a_network_for_its_player_it_says_so(
    garage: Garage, premiere: Premiere, preview: Callable[..., Page]
) -> None:
    made = garage.intervention("RO-cut")
    premiere.screening(made)
    page = preview(made, lost="**/static/dist/chunk-*.js")

    expect(page.locator("dialog.preview .broken")).to_have_text(SENTENCE)


@pytest.mark.parametrize("chunks", [1, 0.5])
def test_a_film_made_anew_under_its_preview_goes_on_where_it_was(
    garage: Garage, premiere: Premiere, preview: Callable[..., Page], chunks: float
) -> None:
    made = garage.intervention(f"RO-anew-{chunks}")
    film = premiere.screening(made, chunks=chunks)
    page = preview(made)
    until(page, f"{FILM}.currentTime > 0.5")
    with garage.app.app_context():
        session.execute(delete(Output).where(Output.asset_id == film))
        session.commit()
    with page.expect_response(lambda answer: answer.status == 404 and ".m3u8" in answer.url, timeout=30_000):
        pass
    page.evaluate(
        f"window.lowest = 99; {FILM}.ontimeupdate = () => lowest = Math.min(lowest, {FILM}.currentTime || 99)"
    )

    premiere.finish(film)
    until(page, f"{FILM}.ended")

    assert page.evaluate("lowest") > 1.5, "it is not begun again"
    assert page.evaluate(f"{FILM}.currentTime") == pytest.approx(6, abs=0.2)
    assert page.locator("dialog.preview :is(.broken, .growing)").count() == 0


def test_a_preview_that_began_in_one_version_takes_the_others_when_they_come(
    garage: Garage, premiere: Premiere, preview: Callable[..., Page]
) -> None:
    made = garage.intervention("RO-one")
    film = premiere.screening(made, chunks=0.5)
    page = preview(made)
    until(page, f"{FILM}.currentTime > 0.5")
    assert page.locator("dialog .film[data-partial]").count() == 1

    premiere.finish(film)
    until(page, f"{FILM}.ended")

    asked = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name.split('/').pop())")
    assert "270p.m3u8" in asked[asked.index("180p.m3u8") :]
    assert page.evaluate(f"{FILM}.currentTime") == pytest.approx(6, abs=0.3)


def test_a_closed_preview_asks_for_nothing_more(
    garage: Garage, premiere: Premiere, preview: Callable[..., Page]
) -> None:
    made = garage.intervention("RO-closed")
    premiere.screening(made, chunks=1)
    page = preview(made)
    until(page, f"{FILM}.currentTime > 0.5")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("dialog.preview")).to_have_count(0)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response("**/media.json", timeout=30_000):
        pass
    page.wait_for_timeout(7000)  # a player reads a growing list again after 6 s at most
    assert [url for url in asked if "/m/" in url and ".m" in url.rsplit("/", 1)[1]] == []
