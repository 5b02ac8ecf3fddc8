"""Finding an intervention by what people know of it, as they type it: no capitals, no accents, no dashes, no order."""

import re
import sqlite3
from typing import Any
from unicodedata import normalize

from sqlalchemy import ColumnElement, Engine, Text, event, func, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from webapp.interventions.models import Intervention

# Latin letters with a mark (U+00C0 … U+017F), each to the small letter without it.
_PLAIN = {
    letter: base[0].lower()
    for letter in map(chr, range(0xC0, 0x180))
    if len(base := normalize("NFD", letter)) > 1 and base[0].isascii()
}
_TABLE = str.maketrans(_PLAIN)
_TWO_FOR_ONE = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("ß", "ss"))  # of folded text, where "ü" is "u" already
_PHONE = re.compile(r"\+?[0-9 ()./-]+")
PHONE_MIN = 5  # digits


def fold(text: str) -> str:
    """The text in small letters without their marks."""
    return text.translate(_TABLE).lower()


class folded(FunctionElement[str]):
    """`fold` in SQL. SQLite alone knows capitals of ASCII only, and so does PostgreSQL in some locales."""

    type = Text()
    inherit_cache = True


@compiles(folded, "sqlite")
def _in_sqlite(element: folded, compiler: Any, **more: Any) -> str:
    return f"folded({compiler.process(element.clauses, **more)})"


@compiles(folded, "postgresql")
def _in_postgresql(element: folded, compiler: Any, **more: Any) -> str:
    marked, plain = "".join(_PLAIN), "".join(_PLAIN.values())
    return f"lower(translate({compiler.process(element.clauses, **more)}, '{marked}', '{plain}'))"


@event.listens_for(Engine, "connect")
def _teach(connection: Any, _: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.create_function("folded", 1, fold, deterministic=True)


def matches(words: str) -> ColumnElement[bool]:
    """Whether an intervention holds every word in reference, plate, VIN, vehicle or name, or has this phone number.

    Spaces and dashes aside. A name is found as well where one hand writes "ue" and "ss", and the other "ü" and "ß".
    """
    known = (
        Intervention.reference, Intervention.plate, Intervention.vin,
        Intervention.make, Intervention.model, Intervention.customer_name,
    )  # fmt: skip
    wanted: ColumnElement[bool] = true()
    for word in words.split():
        plain = fold(word.replace("-", ""))
        hits = [_squeezed(field).contains(plain, autoescape=True) for field in known]
        loose = _loosened(_squeezed(Intervention.customer_name)).contains(_loose(plain), autoescape=True)
        wanted = wanted & or_(*hits, loose)
    if digits := _dialled(words):
        wanted = wanted | Intervention.customer_phone.contains(digits)
    return wanted


def _dialled(words: str) -> str:
    """What a number somebody dials has in common with E.164: no prefix for abroad (00), none for inland (0).

    Empty for what is no phone number, or too short a part of one to tell it from a plate.
    """
    digits = re.sub(r"\(0\)|[^0-9]", "", words).lstrip("0")
    return digits if _PHONE.fullmatch(words.strip()) and len(digits) >= PHONE_MIN else ""


def _loose(text: str) -> str:
    for long, short in _TWO_FOR_ONE:
        text = text.replace(long, short)
    return text


def _loosened(field: ColumnElement[str]) -> ColumnElement[str]:
    for long, short in _TWO_FOR_ONE:
        field = func.replace(field, long, short, type_=Text())
    return field


def _squeezed(field: ColumnElement[str]) -> ColumnElement[str]:
    return folded(func.replace(func.replace(field, "-", ""), " ", ""))
