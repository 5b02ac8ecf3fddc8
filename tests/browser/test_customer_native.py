"""Browsers other than this one: those that play HLS themselves, and those that cannot play it at all."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Route
from visiting import FILM, House, Visit

pytestmark = pytest.mark.browser

# An iPhone before iOS 17.1: no media source of any kind.
OLD = "for (const name of ['MediaSource', 'ManagedMediaSource', 'WebKitMediaSource']) delete window[name];"
NONE = "HTMLMediaElement.prototype.canPlayType = () => '';"


def plain(route: Route) -> None:
    """Chromium, whose own HLS this is here, stalls on compressed playlists."""
    route.continue_(headers={**route.request.headers, "accept-encoding": "identity"})


@pytest.fixture
def phone(house: House, visit: Callable[..., Visit]) -> Callable[[str, str], Visit]:
    """`phone(intervention, script)` visits the page with a browser that the script has made another."""

    def open_page(intervention: str, script: str) -> Visit:
        seen = visit("about:blank")
        seen.page.add_init_script(script)
        seen.page.route("**/*.m3u8", plain)
        seen.page.goto(house.url(intervention))
        return seen

    return open_page


def test_a_phone_without_any_media_source_plays_the_film_itself(
    house: House, phone: Callable[[str, str], Visit]
) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = phone(intervention, OLD)

    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.5")

    assert seen.page.evaluate(f"new URL({FILM}.src).pathname").endswith("/index.m3u8")
    seen.until(f"{FILM}.ended")
    assert seen.page.evaluate(f"{FILM}.currentTime") == pytest.approx(6, abs=0.2)
    assert seen.page.locator(".broken").count() == 0
    weights = "performance.getEntriesByType('resource').filter(({ initiatorType: by }) => by !== 'video')"
    heaviest = seen.page.evaluate(f"Math.max(...{weights}.map(({{ decodedBodySize: bytes }}) => bytes))")
    assert heaviest < 250_000, "hls.js, which could do nothing here, is not fetched"
    assert seen.faults == []


def test_a_growing_film_begins_at_its_beginning_in_the_browsers_own_player(
    house: House, phone: Callable[[str, str], Visit]
) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention, chunks=2)
    seen = phone(intervention, OLD)

    # On its way down to the film, which need not be there yet.
    seen.page.evaluate(
        f"window.first = undefined; document.addEventListener('playing', () => first ??= {FILM}.currentTime, true)"
    )
    seen.page.tap(".start")
    seen.until("window.first !== undefined")

    assert seen.page.evaluate("first") < 0.5


def test_where_nothing_plays_hls_a_sentence_says_so(house: House, phone: Callable[[str, str], Visit]) -> None:
    intervention = house.intervention(customer_language="fr")  # whose controls have their words fetched
    house.premiere.screening(intervention)
    seen = phone(intervention, OLD + NONE)

    for _ in range(2):  # and again after another touch
        seen.page.tap(".start")
        seen.page.wait_for_selector(".broken", timeout=30_000)
        assert "n\N{RIGHT SINGLE QUOTATION MARK}a pas pu être lu" in seen.page.inner_text(".broken")
        assert seen.page.locator(".broken").count() == 1
        assert seen.page.locator("media-controller, .screen[data-state]").count() == 0
    assert seen.faults == []
