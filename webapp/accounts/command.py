"""`walkaround init`, `walkaround password` and `walkaround token`."""

import time

import click
from phonenumbers import SUPPORTED_REGIONS
from sqlalchemy import select

from webapp import migrations
from webapp.accounts import invitations
from webapp.accounts.access import issue_token
from webapp.accounts.forms import PASSWORD_MAX, PASSWORD_MIN
from webapp.accounts.models import ApiToken, Dealership, RoleName, User
from webapp.accounts.people import add_dealership, add_person
from webapp.app import create_app
from webapp.database import session
from webapp.interventions import forms
from webapp.texts import clean
from workers.settings import settings

NAME_MAX = 120  # characters, as wide as the rows


@click.command()
@click.option("--dealership", prompt="Name of the dealership")
@click.option("--country", prompt="Country (two letters)", default="FR", show_default=True)
@click.option("--name", prompt="Name of its manager")
@click.option("--email", prompt="E-mail of its manager")
@click.option("--language", type=click.Choice(["en", "fr", "de"]), prompt="Language of its manager", default="en")
@click.password_option(help="at least 10 characters")
def init(dealership: str, country: str, name: str, email: str, language: str, password: str) -> None:
    """Create a dealership and its manager. It may be the first command of all: it brings the database to its shape."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise click.ClickException(
            f"the password has {len(password)} characters; {PASSWORD_MIN} to {PASSWORD_MAX} are needed"
        )
    if country.upper() not in SUPPORTED_REGIONS:
        raise click.ClickException(f"{country!r} is not a country's two letters")
    dealership, name = _said("dealership", dealership), _said("manager", name)
    with create_app(settings()).app_context():
        email = _address(email)
        migrations.upgrade(settings().effective_database_url)
        if session.scalar(select(User).where(User.email == email)):
            raise click.ClickException(f"{email} already has an account")
        made = add_dealership(dealership, country.upper())
        add_person(made, name, email, password, RoleName.MANAGER, language)
        session.commit()
        click.echo(f"{made.name}: sign in at {settings().effective_public_url}/login as {email}")


def _said(what: str, text: str) -> str:
    plain = clean(text).strip()
    if not 0 < len(plain) <= NAME_MAX:
        raise click.ClickException(f"the name of the {what} has {len(plain)} characters; 1 to {NAME_MAX} are needed")
    return plain


def _address(text: str) -> str:
    """As the sign-in form reads it: whoever was written down otherwise could never sign in."""
    try:
        found = forms.email(text).lower()
    except forms.Invalid:
        found = ""
    if not found:
        raise click.ClickException(f"{text!r} is no e-mail address, with which the manager signs in")
    return found


@click.command()
@click.argument("email")
def password(email: str) -> None:
    """Print a link by which a person chooses a new password; for a manager whom nobody else can give one."""
    with create_app(settings()).app_context():
        user = session.scalar(select(User).where(User.email == email.strip().lower()))
        if user is None:
            raise click.ClickException(f"nobody signs in as {email}")
        if not user.active:
            raise click.ClickException(f"{email} has no access; a manager gives it back on the dealership's page")
        click.echo(f"{user.name} of {user.dealership.name}, once and within a week: {invitations.url(user)}")


@click.command()
@click.option("--dealership", help="its name or id")
@click.option("--name", help="what the token is for")
@click.option("--days", type=click.IntRange(1), default=365, show_default=True, help="how long it lives")
@click.option("--list", "listing", is_flag=True, help="show every token, without its text")
@click.option("--revoke", metavar="ID", help="end a token at once")
def token(dealership: str | None, name: str | None, days: int, listing: bool, revoke: str | None) -> None:
    """Issue an API token, which is printed once; or list or revoke tokens."""
    if bool(dealership and name) + listing + bool(revoke) != 1:
        raise click.UsageError("give --dealership and --name for a new token, or --list, or --revoke ID")
    with create_app(settings()).app_context():
        if listing:
            _list()
        elif revoke:
            _revoke(revoke)
        else:
            _issue(str(dealership), str(name), days)


def _issue(dealership: str, name: str, days: int) -> None:
    wanted = select(Dealership).where((Dealership.id == dealership) | (Dealership.name == dealership))
    found = session.scalars(wanted).all()
    if len(found) != 1:
        raise click.ClickException(f"{len(found)} dealerships are called {dealership!r}; one was expected")
    _, text = issue_token(found[0], name, lives_s=days * 86400.0)
    session.commit()
    click.echo(text)


def _list() -> None:
    """Every token, the newest first: id, dealership, name, and whether it lives."""
    rows = select(ApiToken, Dealership.name).join(Dealership, Dealership.id == ApiToken.dealership_id)
    for row, dealership in session.execute(rows.order_by(ApiToken.created_at.desc())):
        ends = time.strftime("%Y-%m-%d", time.gmtime(row.expires_at)) if row.expires_at else None
        state = "revoked" if row.revoked_at else f"lives until {ends}" if ends else "lives for ever"
        if not row.revoked_at and row.expires_at and row.expires_at < time.time():
            state = f"over since {ends}"
        click.echo(f"{row.id}  {state}  {dealership}: {row.name}")


def _revoke(token_id: str) -> None:
    row = session.get(ApiToken, token_id)
    if row is None:
        raise click.ClickException(f"there is no token {token_id!r}; --list shows them")
    row.revoked_at = row.revoked_at or time.time()
    session.commit()
    click.echo(f"revoked: {row.name}")
