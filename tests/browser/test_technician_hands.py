"""The technician's page in a hand: gloves, one thumb, a phone that is turned on its side."""

from collections.abc import Callable, Iterator

import pytest
from finished import Finisher
from handset import looking
from landing import Garage
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from pipeline.catalog.models import Asset, State
from webapp.accounts.models import User
from webapp.database import session
from webapp.interventions.models import Intervention

pytestmark = pytest.mark.browser


@pytest.fixture
def visit(garage: Garage, browser: Browser) -> Iterator[Callable[..., Page]]:
    with looking(garage, browser) as open_page:
        yield open_page


@pytest.fixture
def finisher(garage: Garage) -> Finisher:
    return Finisher(garage.app)


@pytest.fixture
def speak(garage: Garage) -> Iterator[Callable[[str], None]]:
    """`speak("de")`: Bob's language, until the test is over."""

    def change(language: str) -> None:
        with garage.app.app_context():
            session.execute(update(User).values(language=language))
            session.commit()

    yield change
    change("en")


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_two_taps_in_one_place_remove_a_file(
    visit: Callable[..., Page],
    garage: Garage,
    finisher: Finisher,
    speak: Callable[[str], None],
    language: str,
    width: int,
) -> None:
    made = garage.intervention(f"RO-remove-{language}-{width}")
    for _ in range(5):
        finisher.photo(made)
    speak(language)
    page = visit(made, width)
    card = page.locator(".entry").nth(3)
    card.locator(".tool").click()
    button = card.locator(".editor .entry-tools button").last
    page.wait_for_timeout(200)
    before = button.bounding_box()
    assert button.evaluate("button => button.scrollWidth <= button.clientWidth"), "its word is not cut"
    x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
    page.touchscreen.tap(x, y)
    expect(button).to_have_class("sure")
    assert button.bounding_box() == before
    assert button.evaluate("button => button.scrollWidth <= button.clientWidth"), "nor is its question"
    page.wait_for_timeout(400)
    page.touchscreen.tap(x, y)
    expect(page.locator(".entry")).to_have_count(4)


def test_the_buttons_are_not_under_the_second_tap_and_another_touch_takes_the_question_back(
    visit: Callable[..., Page], garage: Garage, finisher: Finisher
) -> None:
    made = garage.intervention("RO-back")
    finisher.photo(made)
    page = visit(made)
    page.locator(".entry .tool").tap()
    page.locator(".editor textarea").tap()
    expect(page.locator(".picker")).to_be_hidden()
    page.get_by_role("button", name="Remove").tap()
    expect(page.get_by_role("button", name="Sure?")).to_be_visible()
    expect(page.locator(".picker")).to_be_hidden()
    page.locator(".status").dispatch_event("pointerdown")
    expect(page.get_by_role("button", name="Remove")).to_be_visible()
    expect(page.locator(".picker")).to_be_visible()


def test_a_finger_that_bounces_removes_nothing(visit: Callable[..., Page], garage: Garage, finisher: Finisher) -> None:
    made = garage.intervention("RO-bounce")
    finisher.photo(made)
    page = visit(made)
    page.locator(".entry .tool").click()
    page.get_by_role("button", name="Remove").dblclick()
    expect(page.get_by_role("button", name="Sure?")).to_be_visible()
    page.wait_for_timeout(400)
    assert page.locator(".entry").count() == 1


def test_a_file_asks_for_a_name_and_offers_those_of_papers(
    visit: Callable[..., Page], garage: Garage, finisher: Finisher
) -> None:
    made = garage.intervention("RO-papers")
    finisher.document(made)
    finisher.photo(made)
    page = visit(made)
    paper, photo = page.locator(".entry").all()
    expect(paper.locator(".entry-ask")).to_have_text("Name this file for the customer.")
    expect(photo.locator(".entry-ask")).to_have_count(0)
    paper.locator(".tool").click()
    assert paper.locator(".chips button").all_inner_texts() == ["Quote", "Report", "Invoice"]
    paper.get_by_role("button", name="Invoice").click()
    expect(paper.locator(".entry-name")).to_have_text("Invoice")
    expect(paper.locator(".entry-ask")).to_have_count(0)
    photo.locator(".tool").click()
    expect(photo.get_by_role("button", name="Brakes")).to_be_visible()


def test_on_its_side_the_phone_shows_a_card_and_then_all_of_its_editor(
    visit: Callable[..., Page], garage: Garage, finisher: Finisher
) -> None:
    made = garage.intervention("RO-side")
    for _ in range(4):
        finisher.photo(made)
    page = visit(made, 844, 390)
    bar = page.locator(".picker").bounding_box()
    assert bar["height"] <= 64
    for pick in page.locator(".pick").all():
        assert pick.bounding_box()["height"] >= 48
    card = page.locator(".entry").nth(2)
    card.evaluate("card => card.scrollIntoView({ block: 'start' })")
    box = card.bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= bar["y"]
    status = page.locator(".status").bounding_box()
    assert status["y"] + status["height"] <= 0, "the sentence has gone up with the list"

    card.locator(".tool").click()
    expect(page.locator(".picker")).to_be_hidden()
    page.wait_for_timeout(200)
    for part in card.locator(".editor :is(textarea, button)").all():
        box = part.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 390, part.inner_text()
        assert box["height"] >= 48, part.inner_text()


def test_a_tap_on_a_cards_text_opens_its_editor_and_keyboards_keep_one_control(
    visit: Callable[..., Page], garage: Garage, finisher: Finisher
) -> None:
    made = garage.intervention("RO-text")
    finisher.photo(made, caption="Left front tyre")
    page = visit(made)
    card = page.locator(".entry")
    for part in (".entry-name", ".entry-state", ".entry-file"):
        card.locator(part).tap()
        expect(card.locator(".editor")).to_be_visible()
        expect(card.locator(".tool")).to_have_attribute("aria-expanded", "true")
        card.locator(part).tap()
        expect(card.locator(".editor")).to_have_count(0)
    card.locator(".tool").tap()
    expect(card.locator(".editor")).to_be_visible()
    assert card.locator(".entry-main :is(button, a, [tabindex], [role])").count() == 2, "its picture and its pencil"
    card.locator(".thumb").tap()
    expect(page.locator("dialog.preview")).to_be_visible()
    page.get_by_role("button", name="Close").tap()
    expect(card.locator(".editor")).to_be_visible()


def test_a_file_that_cannot_be_used_is_told_of_in_red_with_a_way_to_it(
    visit: Callable[..., Page], garage: Garage, finisher: Finisher
) -> None:
    made = garage.intervention("RO-refused")
    for _ in range(7):
        finisher.photo(made)
    refused = finisher.document(made)
    with garage.app.app_context():
        session.execute(update(Asset).where(Asset.id == refused).values(state=State.REJECTED, reason="encrypted"))
        session.commit()
    page = visit(made)
    card, link = page.locator(".entry").last, page.get_by_role("link", name="One file could not be used.")
    colour = "element => getComputedStyle(element).color"
    assert link.evaluate(colour) == card.locator(".entry-state").evaluate(colour)
    assert link.locator(".icon").is_visible(), "not by its colour alone"
    assert link.bounding_box()["height"] >= 48
    expect(card).not_to_be_in_viewport()
    link.tap()
    expect(card).to_be_in_viewport(ratio=1)
    expect(card).to_be_focused()
    box, bar = card.bounding_box(), page.locator(".picker").bounding_box()
    assert box["y"] + box["height"] <= bar["y"]
    assert "#" not in page.url, "the phone's way back leads out of the page"


def test_a_french_technicians_words_are_written_for_a_german_customer(
    visit: Callable[..., Page], garage: Garage, finisher: Finisher, speak: Callable[[str], None]
) -> None:
    made = garage.intervention("RO-german")
    finisher.photo(made)
    with garage.app.app_context():
        session.get_one(Intervention, made).customer_language = "de"
        session.commit()
    speak("fr")
    page = visit(made, 320)
    page.locator(".entry .tool").tap()
    expect(page.locator(".chips-written")).to_have_text("Ces mots s'écrivent dans la langue du client : allemand.")
    page.locator(".chips button").get_by_text("Freins", exact=True).tap()
    page.locator(".chips button").get_by_text("Pneus", exact=True).tap()
    expect(page.locator(".entry-name")).to_have_text("Bremsen, Reifen")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
