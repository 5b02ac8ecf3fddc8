"""The history of the database's shape, for SQLite and PostgreSQL alike."""

from pathlib import Path

from alembic import command
from alembic.config import Config


def config(url: str) -> Config:
    """Alembic's settings for one database."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.attributes["url"] = url
    return made


def upgrade(url: str) -> None:
    """Bring a database to the newest shape; doing it twice is harmless."""
    command.upgrade(config(url), "head")
