"""What people and programs write, made safe to keep: no database and no page chokes on it."""

import re
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, PasswordField, StringField
from wtforms.fields.core import UnboundField

# Control characters except tab and line ends, tricks with the direction of writing, and halves of characters.
_STRANGE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def clean(text: str) -> str:
    """The text without what nobody can see or type."""
    return _STRANGE.sub("", text)


def is_id(text: str) -> bool:
    """Whether it has the form of an id; PostgreSQL takes no NUL even in a question."""
    return _ID.fullmatch(text) is not None


class Form(FlaskForm):  # type: ignore[misc]
    """A form whose texts are clean before they are checked."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        def bind_field(self, form: FlaskForm, unbound_field: UnboundField, options: dict[str, Any]) -> Field:
            kind = unbound_field.field_class
            if issubclass(kind, StringField) and not issubclass(kind, PasswordField):
                options = options | {"filters": [*unbound_field.kwargs.get("filters", ()), _clean_or_none]}
                unbound_field = UnboundField(kind, *unbound_field.args, **_without(unbound_field.kwargs, "filters"))
            return unbound_field.bind(form=form, **options)


def _clean_or_none(text: str | None) -> str | None:
    return clean(text) if text else text


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}
