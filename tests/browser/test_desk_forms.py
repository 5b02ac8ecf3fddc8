"""The staff's forms and pages on a phone: nothing wider than its window, and a fault is where the eye is."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import PHONE
from cast import add_person
from finished import Finisher
from landing import Garage
from playwright.sync_api import Page, expect
from sqlalchemy import select

from webapp.accounts.models import Dealership, RoleName, User
from webapp.database import session
from webapp.interventions.models import Intervention

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
LONG = {
    "make": "Mercedes-Benz", "model": "Sprinter 319 CDI Kastenwagen Standard Hochdach", "plate": "GB-123-LM-75011-WW",
    "vin": "WDB9066351S123456", "mileage": 1_268_420,
    "customer_name": "Maximiliane Freifrau von Württemberg-Hohenzollern", "customer_phone": "+33639981234",
    "customer_email": "maximiliane.von.wuerttemberg-hohenzollern@long-name-of-a-company.example.org",
    "asked": "Donaudampfschifffahrtsgesellschaftskapitänskajütenheizung " * 4, "notes": "https://" + "a" * 120,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def people(garage: Garage) -> None:
    """Alice manages Bob's dealership; Greta works there, in German."""
    with garage.app.app_context():
        dealership = session.scalars(select(Dealership)).one()
        add_person(dealership, "Alice", RoleName.MANAGER)
        add_person(dealership, "Greta", RoleName.ADVISOR).language = "de"
        session.commit()


@pytest.fixture(scope="module")
def long(garage: Garage) -> str:
    """An intervention with everything written down, at length."""
    made = garage.intervention("RO-2026-000123456789-WITH-A-LONG-TAIL-40")
    with garage.app.app_context():
        row = session.get_one(Intervention, made)
        for name, value in LONG.items():
            setattr(row, name, value)
        session.commit()
    Finisher(garage.app).photo(made, caption="x" * 300)
    return made


def phone(width: int) -> dict[str, object]:
    return PHONE | {"viewport": {"width": width, "height": 844}}


@pytest.mark.parametrize("width", [320, 390, 430, 700, 1440])
def test_nothing_is_wider_than_the_window(garage: Garage, staff: Open, long: str, width: int) -> None:
    page = staff("/me", "Alice", **(phone(width) if width < 600 else {"viewport": {"width": width, "height": 900}}))
    one = f"/interventions/{long}"
    for path in (f"{one}/edit", one, "/interventions", "/interventions/new", "/dealership", "/me"):
        page.goto(garage.settings.effective_public_url + path)
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        assert page.evaluate("innerWidth") == width, f"a phone zooms out of a page that is too wide: {path}"


@pytest.mark.parametrize("width", [320, 390])
def test_no_name_of_a_fact_runs_into_its_value_in_german(staff: Open, long: str, width: int) -> None:
    page = staff(f"/interventions/{long}", "Greta", **phone(width))
    names = page.locator(".facts dt")
    assert "Kilometerstand" in names.all_inner_texts()
    wide = names.evaluate_all("names => names.filter(dt => dt.scrollWidth > dt.clientWidth).map(dt => dt.textContent)")
    assert wide == []
    lefts = page.locator(".facts dd").evaluate_all("values => values.map(dd => dd.getBoundingClientRect().left)")
    assert len(set(lefts)) == 1, "the values stand under each other"


def test_a_form_that_comes_back_shows_its_first_fault_and_the_way_to_each(staff: Open) -> None:
    page = staff("/interventions/new", **PHONE)
    page.fill("#reference", "RO-faults")
    page.locator(".part summary").nth(1).click()
    page.fill("#customer_phone", "12")
    page.fill("#customer_email", "nobody")
    page.get_by_role("button", name="Save").click()
    field = page.locator("#customer_phone")
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport()
    line = page.locator(".faults")
    expect(line).to_contain_text("Not saved: 2 fields need a look")
    assert line.locator("a").all_inner_texts() == ["Phone", "E-mail"]
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    line.get_by_role("link", name="E-mail").click()
    expect(page.locator("#customer_email")).to_be_focused()


def test_an_invitation_that_comes_back_shows_its_fault_and_not_the_page_s_head(staff: Open) -> None:
    page = staff("/dealership", "Alice", **PHONE)
    page.fill("#invite-name", "Dora")
    page.fill("#invite-email", "nobody")
    page.get_by_role("button", name="Invite").click()
    expect(page.locator("#invite-email")).to_be_focused()
    expect(page.locator("#invite-email")).to_be_in_viewport()
    expect(page.locator(".faults")).to_contain_text("Not saved: one field needs a look")
    assert page.locator(".faults a").get_attribute("href") == "#invite-email"


def test_a_technician_reaches_their_own_page_from_a_phone_and_one_tab_takes_no_line(staff: Open) -> None:
    page = staff("/interventions", **phone(320))
    assert page.locator(".top").bounding_box()["height"] < 80
    assert not page.locator(".top nav").is_visible()
    me = page.get_by_role("link", name="Bob")
    box = me.bounding_box()
    assert min(box["width"], box["height"]) >= 44
    me.click()
    page.wait_for_url("**/me")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert staff("/interventions", "Alice", **phone(320)).locator(".top nav").is_visible()


def test_what_was_saved_about_oneself_is_said_apart_from_the_form(staff: Open) -> None:
    page = staff("/me?saved=1", **PHONE)
    said, form = page.locator(".banner").bounding_box(), page.locator(".sheet").first.bounding_box()
    assert form["y"] - (said["y"] + said["height"]) >= 12


def test_access_is_taken_away_only_after_a_question(garage: Garage, staff: Open) -> None:
    def is_active() -> bool:
        with garage.app.app_context():
            return session.scalars(select(User.active).where(User.name == "Greta")).one()

    page = staff("/dealership", "Alice", **PHONE)
    button = page.locator("#people li", has_text="Greta").get_by_role("button", name="Take away access")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    button.click()
    page.wait_for_timeout(300)
    assert "Take away the access of Greta?" in asked[0]
    assert is_active()
    page.once("dialog", lambda dialog: dialog.accept())
    button.click()
    back = page.get_by_role("button", name="Give access back")
    expect(back).to_be_visible()
    assert not is_active()
    back.click()
    expect(back).to_have_count(0)
