"""The technician's page as it is seen and touched: every state, on a small phone and on a desk, light and dark."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from finished import Finisher
from handset import looking
from landing import Garage
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import delete, select, update

from pipeline.catalog.models import Asset, Output, State
from webapp.accounts.models import User
from webapp.database import session
from webapp.interventions.models import Item

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def intervention(garage: Garage) -> str:
    """With a film, a photo, a file that was refused, a film being made and one we failed at."""
    made, finisher = garage.intervention("RO-1"), Finisher(garage.app)
    finisher.film(made, caption="Front brakes: pads at 2 mm")
    finisher.photo(made, caption="Left front tyre")
    refused, failed = finisher.document(made), finisher.film(made, state=State.FAILED)
    finisher.film(made, caption="Oil leak under the gearbox, seen from the left", state=State.PROCESSING, chunks=1)
    with garage.app.app_context():
        session.execute(update(Asset).where(Asset.id == refused).values(state=State.REJECTED, reason="encrypted"))
        session.execute(update(Asset).where(Asset.id == failed).values(reason="engine-failed"))
        session.commit()
    return made


@pytest.fixture
def visit(garage: Garage, browser: Browser) -> Iterator[Callable[..., Page]]:
    with looking(garage, browser) as open_page:
        yield open_page


@pytest.mark.parametrize("look", [{}, {"colours": "dark"}, {"width": 320}, {"width": 320, "colours": "dark"}], ids=str)
def test_axe_finds_nothing_on_the_phone(visit: Callable[..., Page], intervention: str, look: dict[str, Any]) -> None:
    page = visit(intervention, **look)
    page.locator(".entry .tool").first.click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_axe_finds_nothing_on_an_empty_page_and_on_a_desk(
    visit: Callable[..., Page], garage: Garage, intervention: str
) -> None:
    for page in (visit(garage.intervention("RO-empty")), visit(intervention, 1440, 900)):
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_nothing_is_wider_than_the_screen(visit: Callable[..., Page], intervention: str, width: int) -> None:
    page = visit(intervention, width)
    for tool in page.locator(".entry .tool").all():
        tool.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_buttons_are_made_for_gloves(visit: Callable[..., Page], intervention: str) -> None:
    page = visit(intervention)
    for name in ("film", "photo", "library", "file"):
        box = page.locator(f".pick-{name}").bounding_box()
        assert box["height"] >= 64
        assert box["width"] >= 64
        assert box["y"] + box["height"] <= 844  # under the thumb, without scrolling
    page.locator(".entry .tool").first.click()
    for button in page.locator(".entry button:visible").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 48, button.inner_text()


def test_what_is_edited_stands_clear_of_the_buttons(visit: Callable[..., Page], intervention: str) -> None:
    page = visit(intervention)
    page.locator(".entry .tool").nth(1).click()
    page.wait_for_timeout(200)
    editor, buttons = page.locator(".editor").bounding_box(), page.locator(".picker").bounding_box()
    assert buttons["height"] < 100
    assert editor["y"] + editor["height"] <= buttons["y"]
    page.locator(".editor textarea").focus()
    assert not page.locator(".picker").is_visible()


def test_what_has_the_focus_is_never_under_the_buttons(visit: Callable[..., Page], intervention: str) -> None:
    page = visit(intervention)
    covers = page.locator(".picker").bounding_box()["y"]
    reached = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        page.wait_for_timeout(50)
        if (box := page.locator(".entry :focus")).count():
            place = box.bounding_box()
            reached.add(box.get_attribute("aria-label"))
            assert place["y"] >= 0
            assert place["y"] + place["height"] <= covers
    assert len(reached) >= 7


def test_films_without_a_caption_are_told_apart_by_number(visit: Callable[..., Page], garage: Garage) -> None:
    made, finisher = garage.intervention("RO-numbers"), Finisher(garage.app)
    finisher.film(made)
    finisher.photo(made)
    finisher.film(made)
    assert visit(made).locator(".entry-name").all_inner_texts() == ["Film 1", "Photo", "Film 2"]


def test_a_file_in_line_is_not_said_to_be_in_work(visit: Callable[..., Page], garage: Garage) -> None:
    made = garage.intervention("RO-line")
    Finisher(garage.app).document(made)
    with garage.app.app_context():
        asset = session.scalars(select(Item.asset_id).where(Item.intervention_id == made)).one()
        session.execute(delete(Output).where(Output.asset_id == asset))
        session.execute(update(Asset).where(Asset.id == asset).values(state=State.PROCESSING))
        session.commit()
    card = visit(made).locator(".entry")
    assert card.locator(".entry-state").inner_text() == "Waiting to be made"
    assert card.locator("progress").count() == 0


def test_the_camera_opens_for_films_and_photos_and_the_library_takes_many(
    visit: Callable[..., Page], intervention: str
) -> None:
    page = visit(intervention)
    asked = {
        name: [page.locator(f"input[name={name}]").get_attribute(what) for what in ("accept", "capture", "multiple")]
        for name in ("film", "photo", "library", "file")
    }
    assert asked["film"] == ["video/*", "environment", None]
    assert asked["photo"] == ["image/*", "environment", None]
    assert asked["library"] == ["video/*,image/*", None, ""]
    assert asked["file"][0].startswith("application/pdf")


def test_every_state_is_said_in_a_plain_sentence(visit: Callable[..., Page], intervention: str) -> None:
    cards = visit(intervention).locator(".entry")
    said = [cards.nth(number).locator(".entry-state").inner_text() for number in range(5)]
    assert said[0] == said[1] == "Ready"
    assert said[2] == "The file is protected. Send one without a password or copy protection."
    assert said[3] == "Something went wrong on our side. We have been told; your file is safe."
    assert said[4].startswith("Making it ready")
    assert cards.nth(2).get_by_role("button", name="Remove").is_visible()
    assert cards.nth(3).get_by_role("button", name="Try again").is_visible()


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_what_is_said_of_a_film_in_work_is_two_lines_and_moves_nothing(
    visit: Callable[..., Page], garage: Garage, intervention: str, language: str
) -> None:
    with garage.app.app_context():
        session.execute(update(User).values(language=language))
        session.commit()
    told = {"percent": 0, "eta_s": None, "playable": False}

    def tell(route: Route) -> None:
        answer = route.fetch()
        items = answer.json()["items"]
        items[4].update(told)
        route.fulfill(response=answer, json={"items": items})

    try:
        page = visit(intervention)
    finally:
        with garage.app.app_context():
            session.execute(update(User).values(language="en"))
            session.commit()
    card = page.locator(".entry").nth(4)
    page.route("**/media.json", tell)
    places, lines = set(), set()
    for left, now in (
        ("", {"percent": 0, "eta_s": None, "playable": False}),
        ("85 s", {"percent": 7, "eta_s": 85, "playable": False}),
        ("90 s", {"percent": 100, "eta_s": 88.5, "playable": True}),
        ("90 min", {"percent": 100, "eta_s": 5400, "playable": True}),
    ):
        told.update(now)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # asked at once
        more = card.locator(".entry-state small")
        expect(more).to_contain_text(left) if left else expect(more).to_have_count(0)
        page.evaluate("Promise.all([...document.fonts].map(font => font.load()))")  # another font's lines are longer
        name, state, whole = (
            box.bounding_box() for box in (card.locator(".entry-name"), card.locator(".entry-state > span"), card)
        )
        places.add((name["y"], state["y"], whole["height"]))
        lines.add(round(state["height"] / 20))  # px, of one line
    assert lines == {1, 2}
    assert len(places) == 1, places


def test_what_the_customer_will_see_opens_over_the_page(visit: Callable[..., Page], intervention: str) -> None:
    page = visit(intervention)
    page.get_by_role("button", name="Preview: Left front tyre").click()
    picture = page.locator("dialog.preview img")
    deadline = time.monotonic() + 30
    while not picture.evaluate("img => img.complete") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert picture.get_attribute("src").startswith("/m/")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("dialog.preview")).to_have_count(0)
    page.get_by_role("button", name="Preview: Front brakes").click()
    expect(page.locator("dialog.preview video")).to_be_visible()


def test_the_order_and_a_caption_are_changed_with_a_touch(visit: Callable[..., Page], garage: Garage) -> None:
    made, finisher = garage.intervention("RO-order"), Finisher(garage.app)
    finisher.photo(made, caption="first")
    finisher.photo(made, caption="second")

    def captions() -> list[str]:
        with garage.app.app_context():
            return list(
                session.scalars(select(Item.caption).where(Item.intervention_id == made).order_by(Item.position))
            )

    page = visit(made)
    page.get_by_role("button", name="Caption and order: second").click()
    page.get_by_role("button", name="Earlier").click()
    page.get_by_label("Caption", exact=True).fill("Left rear tyre: 1.5 mm")
    page.get_by_label("Caption", exact=True).blur()
    deadline = time.monotonic() + 30
    while captions() != ["Left rear tyre: 1.5 mm", "first"]:
        assert time.monotonic() < deadline, captions()
        time.sleep(0.1)
