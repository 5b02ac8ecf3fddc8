"""The `walkaround` command finds each floor's commands by their entry points and imports only the one asked for."""

from importlib.metadata import entry_points
from typing import Any

import click
from pydantic import ValidationError


class _ByEntryPoint(click.Group):
    def list_commands(self, _: click.Context) -> list[str]:
        return sorted(entry.name for entry in entry_points(group="walkaround.commands"))

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        found = entry_points(group="walkaround.commands", name=name)
        return next(iter(found)).load() if found else None

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except ValidationError as wrong:
            if wrong.title != "Settings":
                raise
            faults = [
                f"  {'.'.join(map(str, e['loc'])).upper()}: {e['msg'].removeprefix('Value error, ')}"
                for e in wrong.errors()
            ]
            raise click.ClickException("wrong settings:\n" + "\n".join(faults)) from None


@click.group(cls=_ByEntryPoint)
@click.version_option(package_name="walkaround")
def main() -> None:
    """From the technician's phone to the customer's decision."""


if __name__ == "__main__":
    main(prog_name="walkaround")
