"""How times, numbers and letters read on the desk's pages."""

import struct
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from babel import dates
from flask import Blueprint, g
from flask_babel import force_locale, format_number, gettext
from markupsafe import Markup

from pipeline.catalog.storage import NotStored, StorageDown
from webapp.customers.colour import palette
from webapp.database import storage
from webapp.interventions.models import Intervention
from webapp.languages import date_locale
from webapp.media import sign


class Letter(NamedTuple):
    """What goes into the staff's own mail or SMS program, in the customer's language."""

    subject: str
    body: str


def letter_for(intervention: Intervention, url: str) -> Letter:
    """The text that carries a link to the customer."""
    vehicle = " ".join(filter(None, (intervention.make, intervention.model))) or intervention.plate
    with force_locale(intervention.customer_language):
        return Letter(
            gettext("Your vehicle at %(dealer)s", dealer=intervention.dealership.name),
            gettext(
                "Hello %(name)s, here is what we found on your %(vehicle)s: %(url)s",
                name=intervention.customer_name,
                vehicle=vehicle,
                url=url,
            ),
        )


def day(at: float) -> Markup:
    """A day, short, the day first: "22 Nov 2026", "22 nov. 2026", "22.11.2026"."""
    return _time(at, "day", dates.format_date(datetime.fromtimestamp(at, UTC), "medium", date_locale()))


def moment(at: float) -> Markup:
    """A day and a time, short: "22 Nov 2026, 12:25 UTC"."""
    return _time(at, "moment", _in_utc(at))


def recent(at: float) -> Markup:
    """When something happened, as one tells it: today the time, this week the weekday too, before that the day.

    Which day is today, only the reader's clock knows: the page's script writes it.
    """
    return _time(at, "recent", _in_utc(at))


def _in_utc(at: float) -> str:
    utc, locale = datetime.fromtimestamp(at, UTC), date_locale()
    return f"{dates.format_date(utc, 'medium', locale)}, {dates.format_time(utc, 'HH:mm', locale=locale)} UTC"


def _time(at: float, shown: str, text: str) -> Markup:
    """A point in time as UTC, which the page's script writes in its reader's own time zone."""
    iso = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" data-shown="{}">{}</time>').format(iso, shown, text)


def duration(seconds: float) -> str:
    """A length of time, short."""
    return dates.format_timedelta(seconds, granularity="second", threshold=1.2, format="short", locale=date_locale())


def clock_time(seconds: float) -> str:
    """The length of a film as players show it: 0:42, 3:05, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def kilometres(value: int | None) -> str:
    """A mileage; empty when unknown."""
    return "" if value is None else f"{format_number(value)} km"


def phone_text(number: str) -> str:
    """An E.164 number as people write it."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def logo_url() -> str:
    """Where the signed-in person's browser gets the dealership's logo."""
    return f"{sign.path(sign.LOGO)}logo.png"


def is_logo_square() -> bool:
    """Whether the dealership's logo can be read in a small square; a wide one is a speck there."""
    try:
        return bool(g.dealership.logo_key) and 0.75 < _shape(g.dealership.logo_key) < 1.34
    except (NotStored, StorageDown):
        return False


@lru_cache(maxsize=1000)
def _shape(logo_key: str) -> float:
    """Width by height. The key names the bytes: asked of the storage once. Source: PNG 1.2, IHDR comes first."""
    head = b"".join(storage().read(logo_key, 0, 24))
    width, height = struct.unpack(">II", head[16:24])
    return float(width / height)


def register(blueprint: Blueprint) -> None:
    """Give templates these words."""
    told = (letter_for, day, moment, recent, duration, kilometres, phone_text, logo_url, is_logo_square, palette)
    words = {function.__name__: function for function in told}
    blueprint.app_context_processor(lambda: words | {"clock": time.time})
