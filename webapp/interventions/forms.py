"""What may be said about a vehicle and its customer, and how it is written down."""

import re
from collections.abc import Callable
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from flask import g
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from vininfo import Vin
from vininfo.exceptions import ValidationError as BadVin
from wtforms import Field, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional, ValidationError
from wtforms.widgets import TextInput

from webapp.interventions.words import phone_text
from webapp.languages import LANGUAGES
from webapp.texts import Form

LANGUAGE_CHOICES = [SelectChoice(code, name) for code, name in LANGUAGES.items()]
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")  # Source: ISO 3779, no I, O, Q
# Thousands set apart by one mark, always the same; "0.500" is half of something.
_KM = re.compile(r"([1-9][0-9]{0,2}(?:([ .,'’\u00a0\u202f])[0-9]{3})(?:\2[0-9]{3})*|[0-9]+)\s*(?:km)?", re.IGNORECASE)
MILEAGE_MAX = 9_999_999  # km


class Invalid(ValueError):
    """What was given is not what the field holds; the text is for the person who gave it."""


def phone(text: str, country: str) -> str:
    """A phone number in E.164; one without a prefix is read as dialled in `country`.

    Only its length is judged: new ranges open every year, and a field nobody must fill should stop nobody.

    Raises: Invalid.
    """
    if not text.strip():
        return ""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise Invalid(gettext("This is not a phone number that can be called."))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def vin(text: str) -> str:
    """A VIN in capitals. No check digit: European ones have none.

    Raises: Invalid.
    """
    plain = re.sub(r"[\s-]", "", text).upper()
    if plain and not _VIN.fullmatch(plain):
        raise Invalid(gettext("A VIN has 17 letters and digits, never I, O or Q (here: %(count)d).", count=len(plain)))
    return plain


def maker(number: str) -> str:
    """The brand a VIN's first letters stand for, or nothing."""
    try:
        return str(Vin(number).manufacturer or "") if number else ""
    except BadVin:
        return ""


def email(text: str) -> str:
    """An e-mail address as mail servers understand it.

    Raises: Invalid.
    """
    if not text.strip():
        return ""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized
    except EmailNotValidError:
        raise Invalid(gettext("This is not an e-mail address.")) from None


def mileage(text: str) -> int:
    """A mileage in km, as people write one: 68420, 68 420, 68.420 km. A part of a number is never taken for the whole.

    Raises: Invalid.
    """
    found = _KM.fullmatch(text.strip())
    if found is None or (value := int(re.sub(r"[^0-9]", "", found[1])[:20])) > MILEAGE_MAX:
        raise Invalid(gettext("Write the mileage as a whole number of kilometres, for example 68420."))
    return value


def plate(text: str) -> str:
    """A number plate in capitals with single spaces, never longer than it was: "ß" has no capital of its own."""
    capitals = "".join(sign.upper() if len(sign.upper()) == 1 else sign for sign in text)
    return re.sub(r"\s+", " ", capitals).strip()


class MileageField(IntegerField):
    """Written as text: a browser's number field drops what it cannot read, and nobody would see it."""

    widget = TextInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        if valuelist and valuelist[0].strip():
            self.data = mileage(valuelist[0])


class PhoneField(StringField):
    """Shown as people write a number; what is no number is shown as it was given."""

    def _value(self) -> str:
        return phone_text(self.data or "")


class InterventionForm(Form):
    """Create and edit. The fields are in the order of the page, in which those that are wrong are named."""

    reference = StringField(_("Repair order"), [DataRequired(_("Give the repair order's number.")), Length(max=40)])
    plate = StringField(_("Plate"), [Length(max=20)])
    make = StringField(_("Make"), [Length(max=60)])
    model = StringField(_("Model"), [Length(max=60)])
    vin = StringField(_("VIN"), [Length(max=25)])
    mileage = MileageField(_("Mileage, km"), [Optional()])
    customer_name = StringField(_("Name"), [Length(max=120)])
    customer_language = SelectField(_("Language"), choices=LANGUAGE_CHOICES, default="en")
    customer_phone = PhoneField(_("Phone"), [Length(max=40)])
    customer_email = StringField(_("E-mail"), [Length(max=254)])
    asked = TextAreaField(_("What the customer asked for"), [Length(max=5000)])
    notes = TextAreaField(_("Notes for the workshop"), [Length(max=5000)])

    def validate_vin(self, field: Field) -> None:
        field.data = checked(vin, field.data)
        if not (self.make.data or "").strip():
            self.make.data = maker(field.data)

    def validate_plate(self, field: Field) -> None:
        field.data = plate(field.data or "")

    def validate_customer_email(self, field: Field) -> None:
        field.data = checked(email, field.data)

    def validate_customer_phone(self, field: Field) -> None:
        field.data = checked(phone, field.data, g.dealership.country)

    def values(self) -> dict[str, Any]:
        """The columns and what to write in them."""
        return {
            name: value.strip() if isinstance(value, str) else value
            for name, value in self.data.items()
            if name != "csrf_token"
        }


def checked(rule: Callable[..., str], text: str | None, *more: str) -> str:
    """A rule as a form field wants it. Raises: wtforms ValidationError with the rule's own words."""
    try:
        return rule(text or "", *more)
    except Invalid as wrong:
        raise ValidationError(str(wrong)) from None
