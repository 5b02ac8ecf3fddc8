"""What a hand does on the customer's page: the player's buttons, and fingers on the photos."""

from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, expect
from visiting import FILM, House, Visit

pytestmark = pytest.mark.browser

LEFT = "document.querySelector('.gallery').scrollLeft"
PLACES = "[...document.querySelectorAll('.photo')].map(photo => photo.getBoundingClientRect().left)"
DESK = {"viewport": {"width": 1280, "height": 900}, "is_mobile": False, "has_touch": False}


def swipe(hand: CDPSession, start: tuple[float, float], by: float) -> None:
    """One finger laid down at `start`, moved sideways by so many px, and lifted."""
    x, y = start
    for step in range(9):
        kind = "touchMove" if step else "touchStart"
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x + by * step / 8, "y": y}]})
    hand.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.parametrize("options", [DESK, {}], ids=["desk", "phone"])
def test_the_speed_button_changes_how_fast_the_film_plays(
    house: House, visit: Callable[..., Visit], options: dict[str, object]
) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit(house.url(intervention), **options)
    seen.page.click(".start")
    seen.until(f"{FILM}?.currentTime > 0.2")
    button = seen.page.locator("media-playback-rate-button")

    rates = []
    for _ in range(4):
        before = seen.page.evaluate(f"{FILM}.playbackRate")
        seen.page.mouse.move(*middle(seen))  # the controls hide while nobody moves
        button.click()
        seen.until(f"{FILM}.playbackRate !== {before}")
        rates.append(seen.page.evaluate(f"{FILM}.playbackRate"))

    assert rates == [1.5, 2, 0.5, 1]
    seen.until(f"{FILM}.ended")
    assert seen.faults == []


def test_the_full_screen_button_fills_the_screen_and_gives_it_back(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit(house.url(intervention), **DESK)
    seen.page.click(".start")
    seen.until(f"{FILM}?.currentTime > 0.2")
    small = seen.page.locator("media-controller").bounding_box()

    button = seen.page.locator("media-fullscreen-button")
    button.click()
    seen.until("document.fullscreenElement?.matches('media-controller')")
    seen.until(f"{FILM}.getBoundingClientRect().height === innerHeight")
    assert seen.page.evaluate(f"{FILM}.getBoundingClientRect().width") == seen.page.evaluate("innerWidth")
    assert seen.page.evaluate(f"{FILM}.getBoundingClientRect().top") == 0

    seen.page.mouse.move(*middle(seen))
    button.click()
    seen.until("!document.fullscreenElement")
    seen.until(f"document.querySelector('media-controller').getBoundingClientRect().width === {small['width']}")
    seen.until(f"{FILM}.ended")
    assert seen.faults == []


def middle(seen: Visit) -> tuple[float, float]:
    """Of the film, as it is shown now."""
    box = seen.page.locator("media-controller").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + 5


def test_a_finger_moves_the_gallery_from_photo_to_photo(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    for caption in ("Front left", "Rear right", "Rear left"):
        house.premiere.print(intervention, caption=caption)
    seen = visit(house.url(intervention))
    photo = seen.page.locator(".photo").first
    photo.scroll_into_view_if_needed()
    box, rest = photo.bounding_box(), seen.page.evaluate(PLACES)[0]
    assert seen.page.evaluate(LEFT) == 0

    hand = seen.page.context.new_cdp_session(seen.page)
    swipe(hand, (box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2), -box["width"] * 0.7)
    seen.until(f"Math.abs({PLACES}[1] - {rest}) < 2")  # snapped: the second one lies where the first one lay

    assert seen.page.locator("dialog.light").is_hidden(), "a swipe is no tap"
    swipe(hand, (box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2), box["width"] * 0.7)
    seen.until(f"{LEFT} < 2")
    assert seen.faults == []


def test_a_finger_turns_the_page_of_a_large_photo(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    for caption in ("Front left", "Rear right"):
        house.premiere.print(intervention, caption=caption)
    seen = visit(house.url(intervention))
    seen.page.tap(".photo:first-child a")
    about = seen.page.locator("dialog .about")
    expect(about).to_have_text("Front left")

    hand = seen.page.context.new_cdp_session(seen.page)
    swipe(hand, (300, 400), -200)
    expect(about).to_have_text("Rear right")
    swipe(hand, (90, 400), 200)
    expect(about).to_have_text("Front left")
    assert seen.faults == []
