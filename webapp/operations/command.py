"""`walkaround up`, `config` and `migrate`."""

import re
from urllib.parse import quote

import click
from sqlalchemy.engine import make_url

from webapp import migrations
from webapp.operations.up import up as run
from workers.settings import OneMachine, Settings, settings

_MASK = "********"
_PASSWORD = re.compile(r"([^&=?]*(?:pass|secret|key|token)[^&=?]*=)[^&]*", re.IGNORECASE)


@click.command()
@click.option("--demo", is_flag=True, help="also make the demo dealership and print its addresses")
def up(demo: bool) -> None:
    """Run everything under one parent until Ctrl-C."""
    run(OneMachine(), demo)


@click.command()
def config() -> None:
    """Print the effective settings; secrets are masked."""
    for line in effective(settings()):
        click.echo(line)


def effective(values: Settings) -> list[str]:
    """`NAME=value` lines; passwords in addresses and keys are masked."""
    lines = []
    for name in type(values).model_fields:
        value = (
            getattr(values, f"effective_{name}")
            if name != "secret_key" and hasattr(values, f"effective_{name}")
            else getattr(values, name)
        )
        lines.append(f"{name.upper()}={_mask(name, str(value))}")
    return lines


def _mask(name: str, value: str) -> str:
    if name == "secret_key":
        return _MASK
    scheme, found, rest = value.partition("://")
    if not found:
        return value
    if name == "database_url":
        return _database(value)
    who, at, where = rest.rpartition("@")
    if "?" in who:  # of a password, or of a query: nobody can tell what of this is secret
        return f"{scheme}://{_MASK}"
    user, colon, _ = who.partition(":")
    return f"{scheme}://{user}{f':{_MASK}' if colon else ''}{at}{_hidden(where)}"


def _database(value: str) -> str:
    """As the library that connects reads it: in it a password may hold anything but an @."""
    url = make_url(value)
    shown = url.set(query={}).render_as_string(hide_password=True).replace(":***@", f":{_MASK}@", 1)
    asked = [f"{name}={quote(one, safe='/@:,')}" for name, many in url.normalized_query.items() for one in many]
    return shown + (f"?{_hidden('&'.join(asked))}" if asked else "")


def _hidden(query: str) -> str:
    return _PASSWORD.sub(rf"\1{_MASK}", query)


@click.command()
def migrate() -> None:
    """Bring the database to the newest shape."""
    migrations.upgrade(settings().effective_database_url)
