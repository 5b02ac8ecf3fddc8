"""What people read: English in the code, other languages in `webapp/translations/<language>/*.po`.

The `.po` texts are read as they are; nothing needs to be compiled or committed twice. A room adds its own file
(`translations/fr/capture.po`) and marks its sentences with `_()` from `flask_babel`. A view that speaks to somebody who
is not signed in sets `g.language`.
"""

from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, get_locale, gettext, ngettext
from flask_babel import Domain as _Domain
from flask_security import current_user

LANGUAGES = {"en": "English", "fr": "Français", "de": "Deutsch"}
_FOLDER = Path(__file__).parent / "translations"


def language() -> str:
    """The reader's language: said by the view, else the person's own, else the browser's."""
    if not has_request_context():
        return "en"
    wanted = g.get("language")
    if wanted is None and current_user and current_user.is_authenticated:
        wanted = current_user.language
    if wanted not in LANGUAGES:
        wanted = request.accept_languages.best_match(list(LANGUAGES))
    return wanted or "en"


def date_locale() -> Locale:
    """How the reader writes dates; English without a country is Britain's: its dates are those of the others."""
    locale = get_locale() or Locale("en")
    return Locale("en", "GB") if str(locale) == "en" else locale


@cache
def catalog(name: str) -> NullTranslations:
    """Every translated sentence of one language, from all its `.po` files."""
    merged = Translations()
    for path in sorted((_FOLDER / name).glob("*.po")):
        compiled = BytesIO()
        with path.open("rb") as file:
            write_mo(compiled, read_po(file, locale=name))
        compiled.seek(0)
        merged.merge(Translations(compiled))
    return merged


class _Catalogs(_Domain):
    def get_translations(self) -> NullTranslations:
        return catalog(str(get_locale() or "en").partition("_")[0])


class _Babel(Babel):
    domain_instance = _Catalogs()


def init_app(app: Flask) -> None:
    """Give views and templates `_()` in the reader's language."""
    _Babel(app, locale_selector=language)
    app.jinja_env.globals.update(_=gettext, ngettext=ngettext, language=language, LANGUAGES=LANGUAGES)
