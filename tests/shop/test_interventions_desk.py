"""The desk: writing interventions down, finding them, and looking after their links."""

import re
from collections.abc import Callable

import pytest
from finished import Finisher, items
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from pipeline.catalog.models import Asset, State
from webapp.customers.models import Link
from webapp.database import session
from webapp.interventions.models import Intervention

HTMX = {"HX-Request": "true"}


def test_bob_writes_an_intervention_down_as_the_trade_writes_it(shop: Flask, bob: FlaskClient) -> None:
    data = {
        "reference": " RO-9 ", "plate": "gb 123  lm", "vin": "vf1 rfb00x5678 9012", "mileage": "68420",
        "customer_phone": "06 12 34 56 78", "customer_email": "Camille@Example.org", "customer_language": "fr",
    }  # fmt: skip
    answer = bob.post("/interventions/new", data=data)
    assert answer.status_code == 302
    with shop.app_context():
        row = session.scalars(select(Intervention)).one()
        assert (row.reference, row.plate, row.vin) == ("RO-9", "GB 123 LM", "VF1RFB00X56789012")
        assert (row.make, row.mileage) == ("Renault", 68420), "the VIN tells the make"
        assert (row.customer_phone, row.customer_email) == ("+33612345678", "Camille@example.org")
    assert bob.get(answer.headers["Location"]).status_code == 200


def test_every_fault_is_shown_beside_its_field_and_nothing_is_saved(shop: Flask, alice: FlaskClient) -> None:
    data = {"reference": "", "vin": "TOO-SHORT", "mileage": "-5", "customer_email": "nobody", "customer_phone": "12"}
    answer = alice.post("/interventions/new", data=data)
    assert answer.status_code == 422
    for field in ("reference", "vin", "mileage", "customer_email", "customer_phone"):
        assert f'id="{field}-error"' in answer.text
    with shop.app_context():
        assert session.scalars(select(Intervention)).all() == []


@pytest.mark.parametrize("wrong", ["12 abc", "12.5", "-5", "99999999", "1e5", "0.500", "1.234,567"])
def test_a_mileage_that_is_no_number_is_refused_with_a_sentence_and_kept(alice: FlaskClient, wrong: str) -> None:
    answer = alice.post("/interventions/new", data={"reference": "RO-7", "mileage": wrong})
    assert answer.status_code == 422
    assert answer.text.count('id="mileage-error"') == 1
    assert "whole number of kilometres" in answer.text
    (field,) = re.findall(r'<input[^>]*id="mileage"[^>]*>', answer.text)
    assert f'value="{wrong}"' in field
    assert 'type="text"' in field, "a number field would drop the letters before anybody sees them"


def test_a_number_used_twice_is_said_and_leads_to_the_first_one(alice: FlaskClient, intervention: str) -> None:
    answer = alice.post("/interventions/new", data={"reference": " RO-1001", "customer_language": "en"})
    assert answer.status_code == 422
    assert f'already an intervention with this number. <a href="/interventions/{intervention}">' in answer.text


def test_an_intervention_is_edited(alice: FlaskClient, intervention: str) -> None:
    data = {"reference": "RO-1001", "model": "Clio", "customer_language": "de"}
    assert alice.post(f"/interventions/{intervention}/edit", data=data).status_code == 302
    assert "Clio" in alice.get(f"/interventions/{intervention}").text


@pytest.mark.parametrize(
    "words",
    [
        "gb-123-lm", "GB123", "durand", "camille DURAND", "ro-1001", "mégane", "megane", "MÉGANE", "rfb00",
        "0639981234", "06 39 98 12 34", "+33 6 39 98 12 34", "0033639981234", "+33 (0)6 39 98", "063998",
    ],
)  # fmt: skip
def test_an_intervention_is_found_by_what_people_know_of_it(
    alice: FlaskClient, charlie: FlaskClient, add_intervention: Callable[..., str], words: str
) -> None:
    add_intervention(vin="VF1RFB00X56789012", customer_phone="+33639981234")
    add_intervention("RO-2", plate="AA-000-AA", customer_name="Nadia Benali", model="Duster", make="Dacia")
    page = alice.get("/interventions", query_string={"q": words}).text
    assert "Mégane" in page
    assert "Duster" not in page
    assert "Mégane" not in charlie.get("/interventions", query_string={"q": words}).text


@pytest.mark.parametrize("written", ["Müller", "Mueller", "Muller"])
@pytest.mark.parametrize("words", ["müller", "mueller", "Anna MUELLER", "ller-groß", "GROSS"])
def test_a_name_is_found_however_its_letters_are_written(
    alice: FlaskClient, add_intervention: Callable[..., str], written: str, words: str
) -> None:
    add_intervention(customer_name=f"Anna {written}-Groß")
    assert "Mégane" in alice.get("/interventions", query_string={"q": words}).text


@pytest.mark.parametrize("words", ["0639", "10011", "0639980000"])
def test_a_part_of_a_number_too_short_to_tell_or_another_one_finds_nobody(
    alice: FlaskClient, add_intervention: Callable[..., str], words: str
) -> None:
    add_intervention(customer_phone="+33639981234")
    assert "Mégane" not in alice.get("/interventions", query_string={"q": words}).text


@pytest.mark.parametrize("words", ["100%", "_", "\\", "nobody"])
def test_signs_that_mean_something_to_a_database_mean_themselves(
    alice: FlaskClient, intervention: str, words: str
) -> None:
    page = alice.get("/interventions", query_string={"q": words}).text
    assert "Mégane" not in page
    assert 'class="button" href="/interventions">Show all interventions</a>' in page


def test_a_page_far_behind_the_last_one_is_empty(alice: FlaskClient, intervention: str) -> None:
    answer = alice.get("/interventions", query_string={"page": "9" * 20})
    assert answer.status_code == 200
    assert "Mégane" not in answer.text


def test_an_intervention_goes_through_its_stages(
    shop: Flask, alice: FlaskClient, intervention: str, finisher: Finisher
) -> None:
    def found(stage: str) -> bool:
        return "Mégane" in alice.get(f"/interventions?stage={stage}").text

    assert found("empty")
    film = finisher.film(intervention, state=State.PROCESSING)
    assert found("working")
    with shop.app_context():
        session.get_one(Asset, film).state = State.READY
        session.commit()
    assert found("ready")
    alice.post(f"/interventions/{intervention}/links")
    assert found("linked"), "a link that was made is not yet one that somebody has"
    assert not found("sent")
    with shop.app_context():
        link = session.scalars(select(Link.id)).one()
    answer = alice.post(f"/interventions/{intervention}/links/{link}/shared").text
    assert "Shared" in answer
    assert f'id="link-{link}"' in answer
    assert "not opened yet" in answer
    assert found("sent")
    with shop.app_context():
        session.scalars(select(Link)).one().opened_at = 1.0
        session.commit()
    assert found("opened")
    finisher.photo(intervention, state=State.REJECTED)
    assert found("attention")
    assert not found("opened")


def test_the_new_form_says_what_must_be_filled_and_opens_where_a_fault_is(alice: FlaskClient) -> None:
    page = alice.get("/interventions/new").text
    assert page.count('class="must"') == 1
    assert '<details class="part" open>' not in page
    page = alice.post("/interventions/new", data={"reference": "RO-7", "customer_phone": "1"}).text
    assert page.count('<details class="part" open>') == 1


def test_a_link_is_shown_once_sent_in_the_customers_language_and_revoked(
    shop: Flask, alice: FlaskClient, client: FlaskClient, add_intervention: Callable[..., str]
) -> None:
    intervention = add_intervention(customer_email="camille@example.org", customer_language="fr")
    page = alice.post(f"/interventions/{intervention}/links", headers=HTMX).text
    path = re.search(r'value="http://[^/]+(/v/[^"]+)"', page)[1]
    assert page.count("primary") == 1
    assert re.search(r'class="primary"[^>]* data-copy="#fresh-link"', page), "the next step is to copy it"
    assert "mailto:camille%40example.org?subject=" in page
    assert not re.search(r'href="https?://[^"]*/v/', page), "whoever looks first must not be taken for the customer"
    assert f'href="/interventions/{intervention}/preview"' in page
    assert client.get(path).status_code < 400
    later = alice.get(f"/interventions/{intervention}").text
    assert path not in later
    assert "we keep only its fingerprint" in later, "why it cannot be copied again, and what to do"
    with shop.app_context():
        link = session.scalars(select(Link.id)).one()
    assert alice.post(f"/interventions/{intervention}/links/{link}/revoke").status_code == 200
    assert client.get(path).status_code == 404


def test_charlie_finds_nothing_of_alice(
    shop: Flask, charlie: FlaskClient, alice: FlaskClient, intervention: str, finisher: Finisher
) -> None:
    finisher.film(intervention)
    (item,) = items(shop, intervention)
    alice.post(f"/interventions/{intervention}/links")
    with shop.app_context():
        link = session.scalars(select(Link.id)).one()
    assert "Mégane" not in charlie.get("/interventions").text
    for path in ("", "/edit", "/media"):
        assert charlie.get(f"/interventions/{intervention}{path}").status_code == 404
    assert charlie.get(f"/interventions/items/{item}/figure").status_code == 404
    for path in (
        f"{intervention}/edit", f"{intervention}/links", f"{intervention}/links/{link}/revoke",
        f"{intervention}/links/{link}/shared", f"items/{item}/caption",
        f"items/{item}/move/up", f"items/{item}/delete", f"items/{item}/retry",
    ):  # fmt: skip
        assert charlie.post(f"/interventions/{path}").status_code == 404, path
    assert items(shop, intervention) == [item]


def test_nobody_gets_in_without_signing_in(client: FlaskClient, intervention: str) -> None:
    for path in ("/interventions", "/interventions/new", f"/interventions/{intervention}"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert "/login" in answer.headers["Location"]
    assert client.post(f"/interventions/{intervention}/links").status_code == 302


def test_the_desk_leads_to_the_page_as_the_customer_sees_it(
    alice: FlaskClient, intervention: str, finisher: Finisher
) -> None:
    path = f"/interventions/{intervention}/preview"
    assert path not in alice.get(f"/interventions/{intervention}").text, "there is nothing to look at yet"
    finisher.film(intervention)
    assert f'href="{path}"' in alice.get(f"/interventions/{intervention}").text
