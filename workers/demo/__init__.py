"""Draws the media of the demo: a film of a car on a lift, two photos, an inspection sheet, a logo. No copied artwork.

For `walkaround up --demo`, the README and the tests. Everything is computed, the same every time; the files carry what
a phone's files carry (place, device, names), so that the demo shows it is gone on the customer's page.
"""

from pathlib import Path

import click

from workers.demo import film, papers


def draw(folder: Path) -> list[Path]:
    """Draw all demo media into `folder` (made if missing) and return them: film, tyre, brake, report, logo."""
    folder.mkdir(parents=True, exist_ok=True)
    film.draw(folder / "walkaround.mov")
    papers.photos(folder)
    papers.report(folder / "report.pdf")
    papers.logo(folder / "logo.png")
    return [folder / name for name in ("walkaround.mov", "tyre.jpg", "brake.jpg", "report.pdf", "logo.png")]


@click.command("draw-demo")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def command(folder: Path) -> None:
    """Draw the demo's film, photos, sheet and logo into FOLDER."""
    for path in draw(folder):
        click.echo(f"{path}  {path.stat().st_size:,} bytes")
