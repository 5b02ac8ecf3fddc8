"""What stands on the desk's pages: said once, as people write it, and with a way on."""

import re
import time
from collections.abc import Callable

from finished import Finisher, items
from flask import Flask
from flask.testing import FlaskClient

from pipeline.catalog.models import State
from webapp.customers import links
from webapp.database import session
from webapp.interventions.models import Intervention

HTMX = {"HX-Request": "true"}
NOTHING = "There is nothing to see on this page yet"


def test_a_form_that_was_not_saved_names_the_fields_above_it(alice: FlaskClient) -> None:
    page = alice.post("/interventions/new", data={"reference": "RO-7", "customer_phone": "12", "vin": "X"}).text
    line = re.search(r'<p class="banner faults">(.*?)</p>', page, re.DOTALL)[1]
    assert "2 fields need a look" in line
    assert re.findall(r'href="#(\w+)"', line) == ["vin", "customer_phone"]
    assert "autofocus" not in page, "the first field is right"
    assert 'class="banner faults"' not in alice.get("/interventions/new").text


def test_the_folded_customer_has_a_phone_as_people_write_it(
    alice: FlaskClient, add_intervention: Callable[..., str]
) -> None:
    page = alice.get(f"/interventions/{add_intervention(customer_phone='+33639981234')}/edit").text
    assert "<span>Camille Durand · +33 6 39 98 12 34</span>" in page
    assert "+33639981234" not in page


def test_what_has_no_make_is_named_by_its_number_and_that_only_once(
    alice: FlaskClient, add_intervention: Callable[..., str]
) -> None:
    made = add_intervention("RO-9002", make="", model="")
    listed = alice.get("/interventions").text
    assert re.sub("<[^>]*>", "", listed).count("RO-9002") == 1
    head = re.search(r'<div class="head job-head">.*?</h1>.*?</p>', alice.get(f"/interventions/{made}").text, re.DOTALL)
    assert head[0].count("RO-9002") == 1


def test_links_that_live_come_first_each_with_the_day_it_was_made(
    shop: Flask, alice: FlaskClient, intervention: str
) -> None:
    with shop.app_context():
        row = session.get_one(Intervention, intervention)
        day = 86_400.0
        for name, age in (("living", 5), ("opened", 4), ("revoked", 1)):
            link, _ = links.issue(row, name)
            link.created_at = time.time() - age * day
            link.opened_at = time.time() if name == "opened" else None
            link.revoked_at = time.time() if name == "revoked" else None
        session.commit()
    page = alice.get(f"/interventions/{intervention}").text
    rows = re.findall(r"<li>\s*<div><b>(\w+)</b>(.*?)</li>", page, re.DOTALL)
    assert [name for name, _ in rows] == ["opened", "living", "revoked"]
    assert ["made <time" in text for _, text in rows] == [True, True, True]


def test_a_link_to_an_empty_page_says_so_before_it_is_copied(
    alice: FlaskClient, intervention: str, finisher: Finisher
) -> None:
    def answer() -> str:
        return alice.post(f"/interventions/{intervention}/links", headers=HTMX).text

    page = answer()
    assert page.index(NOTHING) < page.index('data-copy="#fresh-link"')
    finisher.film(intervention, state=State.REJECTED)
    assert NOTHING in answer(), "what was refused is not shown"
    finisher.photo(intervention)
    assert NOTHING not in answer()


def test_every_picture_on_the_desk_opens_where_the_customer_sees_it(
    shop: Flask, alice: FlaskClient, intervention: str, finisher: Finisher
) -> None:
    finisher.film(intervention)
    finisher.photo(intervention)
    finisher.document(intervention)
    finisher.film(intervention, state=State.REJECTED)
    page = alice.get(f"/interventions/{intervention}").text
    shown = alice.get(f"/interventions/{intervention}/preview").text
    *made, refused = items(shop, intervention)
    for item in made:
        assert f'href="/interventions/{intervention}/preview#item-{item}"' in page
        assert f'id="item-{item}"' in shown
    assert f"preview#item-{refused}" not in page
    assert page.count('class="play"') == 1
