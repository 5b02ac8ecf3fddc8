"""What a manager may change about the dealership and its people."""

import re

from flask import g
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_security import current_user
from flask_wtf.file import FileField
from wtforms import Field, PasswordField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, EqualTo, Length, ValidationError

from webapp.accounts.models import RoleName
from webapp.interventions import forms as written
from webapp.texts import Form

ROLES = {
    RoleName.TECHNICIAN: _("Technician"),
    RoleName.ADVISOR: _("Advisor"),
    RoleName.MANAGER: _("Manager"),
}
PASSWORD_MIN, PASSWORD_MAX = 10, 128  # characters


class DealershipForm(Form):
    """The name, colour and logo the customer sees, and how to reach the dealer."""

    name = StringField(_("Name"), [DataRequired(_("Give a name.")), Length(max=120)])
    phone = written.PhoneField(_("Phone"), [Length(max=40)])
    email = StringField(_("E-mail"), [Length(max=254)])
    address = TextAreaField(_("Address"), [Length(max=300)])
    colour = StringField(_("Colour"), [Length(max=7)])
    logo = FileField(_("Logo"))

    def validate_colour(self, field: Field) -> None:
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", field.data or ""):
            raise ValidationError(gettext("A colour is written as #rrggbb."))

    def validate_phone(self, field: Field) -> None:
        field.data = written.checked(written.phone, field.data, g.dealership.country) or None

    def validate_email(self, field: Field) -> None:
        field.data = written.checked(written.email, field.data) or None


class InviteForm(Form):
    """A new person."""

    name = StringField(_("Name"), [DataRequired(_("Give a name.")), Length(max=120)])
    email = StringField(_("E-mail"), [DataRequired(_("Give an e-mail address.")), Length(max=254)])
    role = SelectField(_("Role"), choices=[SelectChoice(role.value, name) for role, name in ROLES.items()])
    language = SelectField(_("Language"), choices=written.LANGUAGE_CHOICES)

    def validate_email(self, field: Field) -> None:
        field.data = written.checked(written.email, field.data).lower()


class PasswordForm(Form):
    """A new password, twice."""

    password = PasswordField(
        _("New password"),
        [Length(min=PASSWORD_MIN, max=PASSWORD_MAX, message=_("At least 10 characters, at most 128."))],
    )
    again = PasswordField(_("Once more"), [EqualTo("password", _("These are not the same."))])


class NewPasswordForm(PasswordForm):
    """The same, for somebody signed in: who finds a telephone unlocked must not take over its account."""

    present = PasswordField(_("Present password"))

    def validate_present(self, field: Field) -> None:
        if not current_user.verify_and_update_password(field.data or ""):
            raise ValidationError(gettext("This is not your present password."))


class MeForm(Form):
    """What everybody may change about themselves."""

    language = SelectField(_("Language"), choices=written.LANGUAGE_CHOICES)
