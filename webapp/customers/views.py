"""The customer's door and page. A GET changes nothing: mail scanners open every link before its reader does."""

from datetime import UTC, datetime

import phonenumbers
from babel import dates, units
from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from webapp import assets
from webapp.accounts.access import load_intervention, staff_required, works_for
from webapp.accounts.models import Dealership
from webapp.customers import colour, cookie, links, page
from webapp.customers.models import Link
from webapp.database import session
from webapp.guards import csrf
from webapp.interventions.models import Intervention
from webapp.languages import LANGUAGES, date_locale
from webapp.media import sending, sign

blueprint = Blueprint("customers", __name__, template_folder="templates")
csrf.exempt(blueprint)  # a customer has no session; `confirm` checks the link's own token

# The player's parts style themselves inside their shadow roots, hence the inline styles. Scripts stay our own files.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

_UNITS = ((1_000_000_000, "digital-gigabyte"), (1_000_000, "digital-megabyte"), (1000, "digital-kilobyte"))


@blueprint.after_request
def keep_private(response: Response) -> Response:
    """The page is for one reader: nothing indexes it, keeps it, or learns its address from it."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = POLICY
    return response


@blueprint.get("/v/<token>")
def enter(token: str) -> ResponseReturnValue:
    """The address in the message: put the key into a cookie and go on to an address without it."""
    link = links.find(token)
    if link is None:
        return _gone()
    response = redirect(url_for("customers.show", link_id=link.id), 303)
    cookie.remember(response, link, token)
    return response


@blueprint.get("/w/<link_id>")
def show(link_id: str) -> ResponseReturnValue:
    """The page."""
    link = cookie.recall(link_id)
    return _page(link.intervention, link) if link else _gone()


@blueprint.post("/w/<link_id>/opened")
def confirm(link_id: str) -> ResponseReturnValue:
    """The page says that somebody is looking at it. Twice is harmless; the workshop's own people do not count."""
    link = cookie.recall(link_id)
    if link is None:
        abort(404)
    if not links.is_csrf(link, request.headers.get("X-CSRF-Token", "")):
        abort(400, "The page is out of date. Open it again.")
    if not works_for(link.intervention.dealership_id):
        links.confirm_opened(link)
        session.commit()
    return "", 204


@blueprint.get("/interventions/<intervention_id>/preview")
@staff_required
def preview(intervention_id: str) -> ResponseReturnValue:
    """The same page for the workshop, before a link is sent."""
    return _page(load_intervention(intervention_id), None)


def _page(intervention: Intervention, link: Link | None) -> str:
    # As its address asks, which the page's own footer writes; else as the workshop noted for this customer.
    wanted = (request.args.get("lang"), intervention.customer_language)
    g.language = next((language for language in wanted if language in LANGUAGES), None)
    dealership = intervention.dealership
    link_id = link.id if link else None
    return render_template(
        "customers/page.html",
        intervention=intervention,
        dealership=dealership,
        logo=f"{sign.path(sign.LOGO, link_id)}logo.png" if dealership.logo_key else None,
        palette=colour.palette(dealership.colour),
        phone=_phone(dealership),
        shown=page.view(intervention, link_id),
        link=link,
        csrf=links.csrf(link) if link else "",
        until=_day(link.expires_at) if link else None,
        day=_day(intervention.created_at),
        size=_size,
        pdf_name=sending.pdf_name,
        css=_css(),
        font=_font(),
    )


def _gone() -> ResponseReturnValue:
    """One answer for links that never were, are over, or were taken back; it says nothing about which."""
    return render_template("customers/gone.html", palette=colour.palette(colour.NEUTRAL), css=_css(), font=_font()), 404


def _phone(dealership: Dealership) -> str:
    """The number as people write it; as it is stored, if it cannot be read."""
    try:
        number = phonenumbers.parse(dealership.phone or "", None)
    except phonenumbers.NumberParseException:
        return dealership.phone or ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _day(seconds: float) -> str:
    """A day in words, the day first: "22 November 2026", "22 novembre 2026", "22. November 2026"."""
    return dates.format_date(datetime.fromtimestamp(seconds, UTC), "long", date_locale())


def _size(count: int) -> str:
    """Bytes as the reader writes them, in thousands: "132.4 kB", "132,4 ko". No line ends before the unit."""
    power, name = next((unit for unit in _UNITS if count >= unit[0]), (1, "digital-byte"))
    written = units.format_unit(count / power, name, "short", format="#,##0.#", locale=date_locale())
    return "\N{NO-BREAK SPACE}".join(written.split())


def _css() -> Markup:
    """The page's whole style, printed into it: the first paint waits for nothing else."""
    return assets.style("watch.css")


def _font() -> str:
    """The first font file which that style asks for: fetched at once, so that it is there for the first paint."""
    return assets.font_url("watch.css")
