"""Finding an intervention by what people know of it, as they type it: no capitals, no accents, no dashes, no order."""

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
    """Whether an intervention holds every word in reference, plate, VIN, vehicle or name; spaces and dashes aside."""
    known = (
        Intervention.reference, Intervention.plate, Intervention.vin,
        Intervention.make, Intervention.model, Intervention.customer_name,
    )  # fmt: skip
    wanted: ColumnElement[bool] = true()
    for word in words.split():
        plain = fold(word.replace("-", ""))
        wanted = wanted & or_(*(_squeezed(field).contains(plain, autoescape=True) for field in known))
    return wanted


def _squeezed(field: ColumnElement[str]) -> ColumnElement[str]:
    return folded(func.replace(func.replace(field, "-", ""), " ", ""))
