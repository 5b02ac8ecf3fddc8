"""What a customer's page says and plays while a film is still on its way."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cast import open_page
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient
from signing import issue_link, media_prefix

from pipeline.catalog.models import INGEST, Asset, Claim, Output, State
from webapp.database import session
from webapp.interventions.models import Intervention

Issue = Callable[..., str]


def arrive(shop: Flask, asset: str, received: int, speed: float | None) -> None:
    """So much of a film's 1,000 bytes is here, and its plan is not final."""
    with shop.app_context():
        row = session.get_one(Asset, asset)
        row.received, row.speed = received, speed
        session.add(Claim(asset_id=asset, name=INGEST, position=-1, queue="express"))
        session.commit()


@pytest.mark.parametrize(
    ("language", "speed", "sentence"),
    [
        ("en", 31.0, "The film is on its way: 40 %, about 20 s left."),
        ("en", 5.0, "The film is on its way: 40 %, about 2 min left."),
        ("en", None, "The film is on its way: 40 %."),
        ("fr", 31.0, "Le film est en route : 40 %, encore 20 s environ."),
        ("de", 31.0, "Der Film ist unterwegs: 40 %, noch etwa 20 s."),
    ],
)
def test_one_sentence_says_how_far_the_film_is_and_how_long_it_takes(
    client: FlaskClient, shop: Flask, finisher: Finisher, add_intervention: Callable[..., str], issue: Issue,
    language: str, speed: float | None, sentence: str,
) -> None:  # fmt: skip
    intervention = add_intervention("RO-9", customer_language=language)
    arrive(shop, finisher.film(intervention, chunks=0, state=State.RECEIVING), 400, speed)
    page = open_page(client, issue(intervention))

    assert sentence in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "40\N{NO-BREAK SPACE}%" in page
    assert '<progress max="100" value="40"' in page
    assert 'data-stage="waiting"' in page


def test_before_the_first_byte_nothing_is_promised(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str, issue: Issue
) -> None:
    arrive(shop, finisher.film(intervention, chunks=0, state=State.RECEIVING), 0, None)
    assert "The film is being prepared. It will appear here by itself." in open_page(client, issue(intervention))


AGAIN = '<noscript><meta http-equiv="refresh" content="10"></noscript>'


def test_without_scripts_the_page_looks_again_until_there_is_a_film_to_watch(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str, issue: Issue
) -> None:
    token = issue(intervention)
    assert AGAIN in open_page(client, token).partition("</head>")[0]
    finisher.photo(intervention, caption="Front left")
    assert AGAIN not in open_page(client, token)
    film = finisher.film(intervention, chunks=1, state=State.PROCESSING)
    assert AGAIN not in open_page(client, token), "who watches it is not torn out of it"
    with shop.app_context():
        session.query(Output).where(Output.asset_id == film).delete()
        session.commit()
    assert AGAIN in open_page(client, token)


def test_a_film_that_still_arrives_is_played_and_says_that_there_is_more(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str, issue: Issue
) -> None:
    film = finisher.film(intervention, chunks=1, state=State.RECEIVING)
    arrive(shop, film, 400, 31.0)
    page = open_page(client, issue(intervention))

    assert 'data-stage="playable"' in page
    assert "The rest is on its way" in page
    assert "data-growing" in page
    text = client.get(re.search(r'data-playlist="([^"]+)"', page)[1].replace("index", "720p")).text
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in text
    assert "#EXT-X-ENDLIST" not in text


def test_a_film_ends_only_when_its_plan_rests_on_all_of_the_file(
    client: FlaskClient, shop: Flask, finisher: Finisher, intervention: str
) -> None:
    film = finisher.film(intervention, chunks=2, state=State.RECEIVING)
    arrive(shop, film, 999, 31.0)
    address = media_prefix(shop, film, issue_link(shop, intervention)) + "720p.m3u8"

    for state, decided, ends in (
        (State.RECEIVING, False, False),  # every chunk is made, and its index may have lied
        (State.PROCESSING, False, False),
        (State.PROCESSING, True, True),
    ):
        with shop.app_context():
            session.get_one(Asset, film).state = state
            session.query(Claim).where(Claim.asset_id == film).update({"done": decided})
            session.commit()
        text = client.get(address).text
        assert ("#EXT-X-ENDLIST" in text) is ends
        assert text.count("#EXTINF") == 2


@pytest.mark.parametrize(
    ("language", "day"), [("en", "22 November 2026"), ("fr", "22 novembre 2026"), ("de", "22. November 2026")]
)
def test_the_day_stands_before_the_month(
    client: FlaskClient, shop: Flask, add_intervention: Callable[..., str], issue: Issue, language: str, day: str
) -> None:
    intervention = add_intervention("RO-9", customer_language=language)
    with shop.app_context():
        session.get_one(Intervention, intervention).created_at = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
        session.commit()
    assert f"<span>{day}</span>" in open_page(client, issue(intervention))
