"""Empty databases: for SQLite the copy of a file, since making the tables takes longer than many a test."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from pipeline.catalog import engine as engines
from pipeline.catalog.models import Base


@cache
def _file(_tables: frozenset[str]) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "blank.sqlite"
        engine = engines.connect(f"sqlite:///{path}")
        Base.metadata.create_all(engine)
        engine.dispose()
        return path.read_bytes()


def lay_out(engine: Engine) -> None:
    """All tables of the rooms that are imported, in a database to which nobody has connected yet."""
    path = Path(engine.url.database or "")
    if engine.url.get_backend_name() == "sqlite" and not path.exists():
        path.write_bytes(_file(frozenset(Base.metadata.tables)))
    else:
        Base.metadata.create_all(engine)
