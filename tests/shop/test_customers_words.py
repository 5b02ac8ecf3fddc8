"""In whose language the customer's page speaks, and how it writes numbers."""

import re
from collections.abc import Callable

import pytest
from cast import open_page
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from pipeline.catalog.models import Output
from webapp.database import session

Issue = Callable[..., str]


@pytest.mark.parametrize(
    ("language", "greeting"), [("fr", "Bonjour Camille"), ("de", "Guten Tag Camille"), ("en", "Hello")]
)
def test_the_page_speaks_the_customers_language(
    client: FlaskClient, add_intervention: Callable[..., str], issue: Issue, language: str, greeting: str
) -> None:
    page = open_page(client, issue(add_intervention("RO-9", customer_language=language)))

    assert greeting in page
    assert f'<html lang="{language}">' in page


def test_its_reader_may_choose_another_language_which_is_kept_nowhere_but_in_the_address(
    client: FlaskClient, bob: FlaskClient, add_intervention: Callable[..., str], issue: Issue
) -> None:
    intervention = add_intervention("RO-9", customer_language="de")
    page = client.get(f"/v/{issue(intervention)}").location
    ways = dict(re.findall(r'<a href="(\?lang=(?:\w+))" lang="(\w+)"', client.get(page).text))
    assert sorted(ways.values()) == ["en", "fr"]

    chosen = client.get(page + "?lang=fr")
    assert '<html lang="fr">' in chosen.text
    assert "Bonjour Camille" in chosen.text
    assert "Set-Cookie" not in chosen.headers
    for other in ("", "?lang=", "?lang=xx", "?lang=../fr"):
        assert '<html lang="de">' in client.get(page + other).text, other
    assert '<html lang="fr">' in bob.get(f"/interventions/{intervention}/preview?lang=fr").text


@pytest.mark.parametrize(
    ("language", "written"),
    [("en", ["132.4 kB", "2.5 MB"]), ("de", ["132,4 kB", "2,5 MB"]), ("fr", ["132,4 ko", "2,5 Mo"])],
)
def test_a_documents_size_is_written_as_its_reader_writes_it(
    client: FlaskClient, shop: Flask, finisher: Finisher, add_intervention: Callable[..., str], issue: Issue,
    language: str, written: list[str],
) -> None:  # fmt: skip
    intervention = add_intervention("RO-9", customer_language=language)
    papers = [finisher.document(intervention) for _ in written]
    with shop.app_context():
        for paper, size in zip(papers, (132_400, 2_500_000), strict=True):
            row = session.scalars(select(Output).where(Output.asset_id == paper, Output.name == "document")).one()
            row.files = [{**entry, "bytes": size} for entry in row.files]
        session.commit()

    page = open_page(client, issue(intervention)).replace("\N{NO-BREAK SPACE}", " ")
    assert [size for size in written if size not in page] == []
