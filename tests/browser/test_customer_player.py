"""The player on the customer's page: every control in reach on every screen, and words while one waits for it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect
from visiting import FILM, House, Visit

pytestmark = pytest.mark.browser

# Upright and lying phones, small and large, and a low window on a desk.
SCREENS = [(844, 390), (740, 360), (932, 430), (390, 844), (320, 640), (280, 653), (1440, 560)]
ICON = "[...document.querySelector('{}').shadowRoot.querySelectorAll('svg')].some(icon => icon.clientWidth >= 20)"


@pytest.mark.parametrize("portrait", [True, False], ids=["upright", "across"])
@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_every_control_of_the_player_can_be_seen_and_hit(
    house: House, visit: Callable[..., Visit], width: int, height: int, portrait: bool
) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention, portrait=portrait)
    seen = visit(house.url(intervention), viewport={"width": width, "height": height})
    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.2")
    seen.page.evaluate(f"{FILM}.pause()")
    seen.until(
        "(box => box.top > -1 && box.bottom < innerHeight + 1)(document.querySelector('.bars').getBoundingClientRect())"
    )

    player = seen.page.locator("media-controller").bounding_box()
    names = [f"media-{name}" for name in ("play-button", "mute-button", "time-display", "fullscreen-button")]
    if player["width"] > 340:
        names.append("media-playback-rate-button")
    for name in names:
        box = seen.page.locator(name).bounding_box()
        assert min(box["width"], box["height"]) >= 40, name
        assert box["x"] >= max(0, player["x"]), name
        assert box["x"] + box["width"] <= min(width, player["x"] + player["width"]), name
        assert box["y"] + box["height"] < height + 1, name
    for name in names[:2] + names[3:4]:
        assert seen.page.evaluate(ICON.format(name)), name
    assert seen.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize(("width", "height"), [(844, 390), (740, 360)])
def test_an_upright_film_on_a_phone_that_lies_is_as_wide_and_as_high_as_the_phone(
    house: House, visit: Callable[..., Visit], width: int, height: int
) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit(house.url(intervention), viewport={"width": width, "height": height})

    screen = seen.page.locator(".screen").bounding_box()
    assert (screen["width"], screen["height"]) == (width, height)


def test_a_viewer_who_waits_for_the_film_reads_that_it_is_on_its_way(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention(customer_language="de")
    house.premiere.screening(intervention)
    seen = visit(house.url(intervention))
    late: list[Route] = []
    seen.page.route("**/*.m4s", lambda route: late.append(route))
    said, button = seen.page.locator(".loading"), seen.page.locator(".start .words")
    assert said.inner_text() == ""

    seen.page.tap(".start")
    expect(said).to_have_text("Wird geladen\N{HORIZONTAL ELLIPSIS}")
    expect(said).to_be_visible()
    assert said.get_attribute("role") == "status"
    expect(button).to_have_css("opacity", "0")
    seen.until("document.querySelector('media-controller media-play-button')")  # the player is here, the film is not
    expect(said).to_be_visible()
    seen.page.route("**/*.m4s", lambda route: route.continue_())  # the last one counts
    for route in late:
        route.continue_()

    seen.until(f"{FILM}?.currentTime > 0.2")
    expect(said).to_be_hidden()
    assert seen.faults == []


def test_an_arrow_key_moves_the_film_by_five_seconds(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit(house.url(intervention), viewport={"width": 1280, "height": 900}, is_mobile=False, has_touch=False)
    seen.page.click(".start")
    seen.until("document.activeElement.matches('media-controller')")
    seen.until(f"{FILM}?.currentTime > 0.2")
    seen.page.evaluate(f"{FILM}.pause(), {FILM}.currentTime = 0.5")
    seen.until(f"!{FILM}.seeking")

    for key, place in (("ArrowRight", 5.5), ("ArrowLeft", 0.5)):
        seen.page.keyboard.press(key)
        seen.until(f"Math.abs({FILM}.currentTime - {place}) < 0.1 && !{FILM}.seeking")
