"""`walkaround init` and `walkaround token`."""

import click
from sqlalchemy import select

from webapp.accounts.access import issue_token
from webapp.accounts.models import Dealership, RoleName, User
from webapp.accounts.people import add_dealership, add_person
from webapp.app import create_app
from webapp.database import session
from workers.settings import settings


@click.command()
@click.option("--dealership", prompt="Name of the dealership")
@click.option("--country", prompt="Country (two letters)", default="FR", show_default=True)
@click.option("--name", prompt="Name of its manager")
@click.option("--email", prompt="E-mail of its manager")
@click.option("--language", type=click.Choice(["en", "fr", "de"]), prompt="Language of its manager", default="en")
@click.password_option(help="at least 10 characters")
def init(dealership: str, country: str, name: str, email: str, language: str, password: str) -> None:
    """Create a dealership and its manager."""
    if len(password) < 10:
        raise click.ClickException(f"the password has {len(password)} characters, at least 10 are needed")
    if len(country) != 2 or not country.isalpha():
        raise click.ClickException(f"{country!r} is not a country's two letters")
    with create_app(settings()).app_context():
        if session.scalar(select(User).where(User.email == email.lower())):
            raise click.ClickException(f"{email} already has an account")
        made = add_dealership(dealership, country.upper())
        add_person(made, name, email, password, RoleName.MANAGER, language)
        session.commit()
        click.echo(f"{made.name}: sign in at {settings().effective_public_url}/login as {email}")


@click.command()
@click.option("--dealership", required=True, help="its name or id")
@click.option("--name", required=True, help="what the token is for")
@click.option("--days", type=click.IntRange(1), help="how long it lives; for ever if not given")
def token(dealership: str, name: str, days: int | None) -> None:
    """Issue an API token; it is printed once."""
    with create_app(settings()).app_context():
        wanted = select(Dealership).where((Dealership.id == dealership) | (Dealership.name == dealership))
        found = session.scalars(wanted).all()
        if len(found) != 1:
            raise click.ClickException(f"{len(found)} dealerships are called {dealership!r}; one was expected")
        _, text = issue_token(found[0], name, lives_s=days * 86400.0 if days else None)
        session.commit()
        click.echo(text)
