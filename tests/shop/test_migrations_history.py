"""The migrations make exactly what the models say, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from alembic import command
from sqlalchemy import inspect

from pipeline.catalog.engine import connect
from webapp import migrations


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'walkaround.sqlite'}"
    else:
        with servers.postgresql() as address:
            yield address


def test_the_migrations_make_what_the_models_say_and_can_be_undone(url: str) -> None:
    engine = connect(url)
    assert not migrations.is_current(engine)
    migrations.upgrade(url)
    migrations.upgrade(url)
    assert migrations.is_current(engine)
    command.check(migrations.config(url))  # raises when a model has something the migrations lack
    command.downgrade(migrations.config(url), "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()
