"""The `walkaround` command finds each floor's commands by their entry points and imports only the one asked for."""

from importlib.metadata import entry_points

import click


class _ByEntryPoint(click.Group):
    def list_commands(self, _: click.Context) -> list[str]:
        return sorted(entry.name for entry in entry_points(group="walkaround.commands"))

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        found = entry_points(group="walkaround.commands", name=name)
        return next(iter(found)).load() if found else None


@click.group(cls=_ByEntryPoint)
@click.version_option(package_name="walkaround")
def main() -> None:
    """From the technician's phone to the customer's decision."""
