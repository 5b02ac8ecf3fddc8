"""`walkaround demo`."""

import subprocess

import click
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from pipeline.errors import PipelineError
from webapp.accounts.logo import NoLogo
from webapp.app import create_app
from webapp.interventions import demo as demonstration
from webapp.interventions.sending import UploadFailed
from workers.settings import settings


@click.command()
def demo() -> None:
    """Make the demo dealership, send its film through the running product and print its addresses."""
    with create_app(settings()).app_context():
        made = demonstration.prepare()
        bar = Progress(TextColumn("demo: {task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        try:
            with bar:
                task = bar.add_task("starting", total=1.0)
                demonstration.fill(made, lambda what, done: bar.update(task, description=what, completed=done))
        except (OSError, UploadFailed, RuntimeError, PipelineError, NoLogo, subprocess.CalledProcessError) as error:
            raise click.ClickException(f"the demo could not be made: {error}") from error
        for name, email, role in demonstration.PEOPLE[1:]:
            click.echo(f"also: {name}, {role}  ({email} / {made.password})")
        public = settings().effective_public_url
        click.echo(f"staff: {public}/login  ({demonstration.PEOPLE[0][1]} / {made.password})")
        click.echo(f"customer page: {demonstration.link(made)}")
