"""How the desk reads and writes numbers, dates and VINs."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale

from webapp.interventions import words
from webapp.interventions.forms import Invalid, maker, mileage, phone, vin


def test_phone_numbers_without_a_prefix_are_read_in_the_dealers_country(shop: Flask) -> None:
    with shop.test_request_context():
        assert phone("0151 23456789", "DE") == "+4915123456789"
        assert phone("+44 20 7946 0958", "DE") == "+442079460958"
        assert phone("06 39 98 12 34", "FR") == "+33639981234", "kept free for fiction, and no reason to stop"
        for wrong in ("1", "a number", "0151 23456789012345678"):
            with pytest.raises(Invalid):
                phone(wrong, "DE")


@pytest.mark.parametrize(
    ("language", "day", "moment"),
    [
        ("en", "22 Nov 2026", "22 Nov 2026, 12:25"),
        ("fr", "22 nov. 2026", "22 nov. 2026, 12:25"),
        ("de", "22.11.2026", "22.11.2026, 12:25"),
    ],
)
def test_dates_have_one_form_in_each_language_and_the_day_comes_first(
    shop: Flask, language: str, day: str, moment: str
) -> None:
    at = datetime(2026, 11, 22, 12, 25, tzinfo=UTC).timestamp()
    time = 'time datetime="2026-11-22T12:25:00Z"'
    with shop.test_request_context(), force_locale(language):
        assert words.day(at) == f'<{time} data-shown="day">{day}</time>'
        assert words.moment(at) == f'<{time} data-shown="moment">{moment} UTC</time>'


def test_a_mileage_is_read_as_people_write_it(shop: Flask) -> None:
    with shop.test_request_context():
        for text in ("68420", " 68 420 ", "68.420 km", "68,420", "68\u202f420KM", "68’420"):
            assert mileage(text) == 68420


def test_the_list_says_when_in_its_readers_own_time(alice: FlaskClient, intervention: str) -> None:
    assert 'data-shown="recent"' in alice.get("/interventions").text


@pytest.mark.parametrize(("seconds", "text"), [(8, "0:08"), (59.7, "1:00"), (185, "3:05"), (3723, "1:02:03")])
def test_a_films_length_reads_as_on_a_player(seconds: float, text: str) -> None:
    assert words.clock_time(seconds) == text


def test_a_vin_needs_no_check_digit_but_its_letters(shop: Flask) -> None:
    with shop.test_request_context():
        assert vin("vf1-rfb00x-56789012") == "VF1RFB00X56789012"
        assert maker("WVWZZZ1JZ3W386752") == "Volkswagen"
        for wrong in ("VF1RFB00X5678901", "VF1RFB00X5678901O"):
            with pytest.raises(Invalid):
                vin(wrong)
