"""`walkaround up`, `config` and `migrate`."""

import re

import click

from webapp import migrations
from webapp.operations.up import up as run
from workers.settings import Settings, settings

_PASSWORD = re.compile(r"([^&=]*(?:pass|secret|key|token)[^&=]*=)[^&]*", re.IGNORECASE)


@click.command()
@click.option("--demo", is_flag=True, help="also make the demo dealership and print its addresses")
def up(demo: bool) -> None:
    """Run everything under one parent until Ctrl-C."""
    run(settings(), demo)


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
        return "********"
    scheme, found, rest = value.partition("://")
    if not found:
        return value
    rest, asked, query = rest.partition("?")
    who, at, where = rest.rpartition("@")
    user, colon, _ = who.partition(":")
    hidden = _PASSWORD.sub(r"\1********", query)
    return f"{scheme}://{user}{':********' if colon else ''}{at}{where}{asked}{hidden}"


@click.command()
def migrate() -> None:
    """Bring the database to the newest shape."""
    migrations.upgrade(settings().effective_database_url)
