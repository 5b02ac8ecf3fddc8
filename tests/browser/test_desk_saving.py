"""The desk on a bad line: what was not saved is said where it was written, kept, and saved later."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from finished import Finisher
from landing import Garage
from playwright.sync_api import Page, expect

from webapp.database import session
from webapp.interventions.models import Item

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
WORDS = "Front left pads: 2 mm"


@pytest.fixture
def made(garage: Garage, request: pytest.FixtureRequest) -> str:
    """An intervention with one photo."""
    intervention = garage.intervention(request.node.name[-40:])
    Finisher(garage.app).photo(intervention)
    return intervention


def write(page: Page, words: str = WORDS) -> None:
    text = page.locator("#media textarea").first
    text.click()
    page.keyboard.insert_text(words)
    text.blur()


def captions(garage: Garage, intervention: str) -> list[str]:
    with garage.app.app_context():
        return [item.caption for item in session.query(Item).filter_by(intervention_id=intervention)]


def test_a_caption_that_could_not_be_saved_says_so_and_is_saved_once_the_line_is_back(
    garage: Garage, desk: Open, made: str
) -> None:
    page = desk(made)
    page.context.set_offline(True)
    write(page)
    note = page.locator("#media .caption .error")
    expect(note).to_have_text("Not saved. It is tried again as soon as there is a connection.")
    expect(page.locator("#media textarea")).to_have_attribute("aria-invalid", "true")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload", "nobody leaves what is not saved without being asked"
    asked.value.dismiss()
    assert captions(garage, made) == [""]

    page.context.set_offline(False)
    expect(page.locator(".toast")).to_have_text("Saved")
    expect(note).to_be_hidden()
    assert captions(garage, made) == [WORDS]


def test_a_caption_that_is_not_saved_stays_while_the_list_follows_what_arrives(
    garage: Garage, desk: Open, made: str
) -> None:
    page = desk(made)
    page.route("**/caption", lambda route: route.fulfill(status=503))
    write(page)
    note = page.locator("#media .caption .error").first
    expect(note).to_contain_text("Not saved")
    Finisher(garage.app).photo(made)
    expect(page.locator("#media .items > li")).to_have_count(2)
    expect(page.locator("#media textarea").first).to_have_value(WORDS)
    expect(note).to_contain_text("Not saved")

    page.unroute("**/caption")
    expect(note).to_be_hidden()
    assert captions(garage, made) == [WORDS, ""]


def test_a_caption_that_is_refused_is_not_sent_again_and_says_what_to_do(desk: Open, made: str) -> None:
    sent: list[str] = []
    page = desk(made)
    page.on("request", lambda one: one.url.endswith("/caption") and sent.append(one.url))
    page.route("**/caption", lambda route: route.fulfill(status=400))
    write(page)
    expect(page.locator("#media .caption .error")).to_have_text(
        "Not saved. Copy it, reload the page and write it again."
    )
    with page.expect_response(lambda answer: "/media?seen=" in answer.url):
        pass
    page.wait_for_timeout(300)
    assert len(sent) == 1


@pytest.mark.parametrize("fault", ["no line", "an error"])
def test_a_move_that_failed_says_so_and_the_list_stays(garage: Garage, desk: Open, made: str, fault: str) -> None:
    Finisher(garage.app).photo(made)
    page = desk(made)
    page.route(
        "**/move/*",
        lambda route: (
            route.abort() if fault == "no line" else route.fulfill(status=500, content_type="text/html", body="<p>Oh")
        ),
    )
    page.get_by_role("button", name="Move down").first.click()
    expect(page.locator(".toast")).to_have_text("That did not work. Check the connection and try again.")
    expect(page.locator("#media .items > li")).to_have_count(2)


def test_a_session_that_ended_leaves_the_list_as_it_is(garage: Garage, desk: Open, made: str) -> None:
    page = desk(made)
    page.context.clear_cookies()
    with page.expect_response(lambda answer: "/login" in answer.url):
        pass
    page.wait_for_timeout(300)
    assert page.locator("#media .items > li").count() == 1
    assert page.locator("input[type=password]").count() == 0


def test_the_keyboard_goes_on_with_the_next_item_when_one_is_removed_or_cannot_move_on(
    garage: Garage, desk: Open, made: str
) -> None:
    finisher = Finisher(garage.app)
    finisher.photo(made, caption="second")
    finisher.photo(made, caption="third")
    page = desk(made)
    page.on("dialog", lambda dialog: dialog.accept())
    items = page.locator("#media .items > li")

    def press(name: str, place: int) -> None:
        items.nth(place).get_by_role("button", name=name).focus()
        page.keyboard.press("Enter")

    press("Remove", 0)
    expect(items).to_have_count(2)
    expect(items.nth(0)).to_be_focused()
    expect(items.nth(0).locator("textarea")).to_have_value("second")
    press("Move up", 1)
    expect(items.nth(0).locator("textarea")).to_have_value("third")
    expect(items.nth(0).get_by_role("button", name="Move down")).to_be_focused()
    press("Remove", 1)
    expect(items).to_have_count(1)
    expect(items.nth(0)).to_be_focused()
    press("Remove", 0)
    expect(items).to_have_count(0)
    expect(page.locator("#media-title")).to_be_focused()
