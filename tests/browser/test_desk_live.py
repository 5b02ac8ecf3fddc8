"""The desk while somebody works on it: it follows what happens, keeps what is being written, tells the local time."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from finished import Finisher
from landing import Garage
from playwright.sync_api import Browser, Page, expect

from pipeline.catalog.models import State
from webapp.customers import links
from webapp.database import session
from webapp.interventions.models import Intervention, Item

pytestmark = pytest.mark.browser

Open = Callable[..., Page]


def test_a_caption_being_written_outlasts_what_arrives_meanwhile_and_is_kept(
    garage: Garage, desk: Open, request: pytest.FixtureRequest
) -> None:
    made, finisher = garage.intervention(request.node.name[-40:]), Finisher(garage.app)
    finisher.film(made, state=State.PROCESSING, chunks=1)  # a figure that asks for itself every two seconds, too
    page = desk(made)
    text = page.locator("#media textarea")
    text.press_sequentially("Front left pads: 2 m")
    with page.expect_response(lambda answer: "/media?seen=" in answer.url and answer.status == 200, timeout=30_000):
        finisher.photo(made)
    page.wait_for_timeout(500)
    assert page.locator("#media .items > li").count() == 1
    expect(text).to_be_focused()
    text.press_sequentially("m")

    page.locator("h1").click()
    expect(page.locator(".toast")).to_have_text("Saved")
    expect(page.locator("#media .items > li")).to_have_count(2, timeout=30_000)
    expect(text.first).to_have_value("Front left pads: 2 mm")
    with garage.app.app_context():
        assert [item.caption for item in session.query(Item).filter_by(intervention_id=made)] == [
            "Front left pads: 2 mm",
            "",
        ]


def test_times_are_those_of_the_wall_clock_and_stay_so_when_the_page_changes(
    garage: Garage, desk: Open, request: pytest.FixtureRequest
) -> None:
    made = garage.intervention(request.node.name[-40:])
    with garage.app.app_context():
        row = session.get_one(Intervention, made)
        row.created_at = datetime(2026, 11, 22, 23, 30, tzinfo=UTC).timestamp()
        link, _ = links.issue(row)
        link.created_at = datetime(2026, 11, 22, 12, 25, tzinfo=UTC).timestamp()
        session.commit()
    page = desk(made, timezone_id="Asia/Tokyo", locale="fr-FR")  # Bob reads English, wherever he is
    expect(page.locator(".job-head time")).to_have_text("23 Nov 2026")
    expect(page.locator("#links li time")).to_have_text("22 Nov 2026, 21:25")
    expect(page.locator("#links li")).to_contain_text("made 22 Nov 2026, 21:25, not shared yet")

    page.get_by_role("button", name="Make another link").click()
    expect(page.locator("#links li")).to_have_count(2)
    expect(page.locator("#links li time").last).to_have_text("22 Nov 2026, 21:25")
    assert "UTC" not in page.locator("#links").inner_text()

    reference, list_page = request.node.name[-40:], page.url.rpartition("/")[0]
    for now, told in (("2026-11-23T10", "08:30"), ("2026-11-28T10", "Mon 08:30"), ("2026-11-30T10", "23 Nov 2026")):
        page.clock.set_fixed_time(f"{now}:00:00+09:00")
        page.goto(f"{list_page}?q={reference}")
        expect(page.locator(".jobs time")).to_have_text(told)


def test_without_scripts_a_time_says_that_it_is_utc(
    garage: Garage, browser: Browser, request: pytest.FixtureRequest
) -> None:
    made = garage.intervention(request.node.name[-40:])
    with garage.app.app_context():
        link, _ = links.issue(session.get_one(Intervention, made))
        link.created_at = datetime(2026, 11, 22, 12, 25, tzinfo=UTC).timestamp()
        session.commit()
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies([garage.cookie()])
    page = context.new_page()
    page.goto(f"{garage.settings.effective_public_url}/interventions/{made}")
    assert page.locator("#links li time").inner_text() == "22 Nov 2026, 12:25 UTC"
    context.close()


def test_a_link_is_shared_once_its_address_left_the_desk_and_one_button_at_a_time_is_the_next_step(
    garage: Garage, desk: Open, request: pytest.FixtureRequest
) -> None:
    made = garage.intervention(request.node.name[-40:])
    colour = "getComputedStyle({}).backgroundColor"
    loud = f"""button => {colour.format("button")} === {colour.format("document.querySelector('.tile')")}"""
    page = desk(made)
    assert page.locator(".capture .next").evaluate(loud)
    assert not page.locator("#links .next").evaluate(loud), "there is nothing to show yet"
    expect(page.locator(".without-media")).to_be_visible()

    Finisher(garage.app).film(made)
    page.reload()
    page.evaluate("Object.defineProperty(navigator, 'share', { value: async () => {}, configurable: true })")
    assert not page.locator(".capture .next").evaluate(loud)
    assert page.locator("#links .next").evaluate(loud)
    page.locator("#links .next").click()
    expect(page.locator("#stage")).to_have_text("Link ready")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.locator("[data-share]").click()
    expect(page.locator("#stage")).to_have_text("Shared")
    expect(page.locator("#links li")).to_contain_text("not opened yet")
    assert "UTC" not in page.locator("#links li").inner_text()


def test_the_keyboard_stays_where_it_was_when_the_page_changes(
    garage: Garage, desk: Open, request: pytest.FixtureRequest
) -> None:
    made, finisher = garage.intervention(request.node.name[-40:]), Finisher(garage.app)
    finisher.photo(made, caption="first")
    finisher.photo(made, caption="second")
    finisher.photo(made, caption="third")
    page = desk(made)
    down = page.get_by_role("button", name="Move down").first
    down.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#media textarea").nth(1)).to_have_value("first")
    expect(page.get_by_role("button", name="Move down").nth(1)).to_be_focused()
    page.get_by_role("button", name="Make the customer's link").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copy")).to_be_focused()
