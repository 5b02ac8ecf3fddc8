"""The history of the database's shape, for SQLite and PostgreSQL alike."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine


def config(url: str) -> Config:
    """Alembic's settings for one database."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.attributes["url"] = url
    return made


def upgrade(url: str) -> None:
    """Bring a database to the newest shape; doing it twice is harmless."""
    command.upgrade(config(url), "head")


def is_current(engine: Engine) -> bool:
    """Whether the database has the newest shape this code knows."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        found = MigrationContext.configure(connection).get_current_heads()
    return set(found) == set(ScriptDirectory.from_config(config("")).get_heads())
