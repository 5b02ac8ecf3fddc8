"""The way of a film with PostgreSQL and S3 in place of a file and a folder."""

from pathlib import Path

import crewroom
import pytest
import tiny_child
from sqlalchemy import Engine

from pipeline.catalog import keys
from pipeline.catalog.models import Base
from workers import connections, sweep

pytestmark = pytest.mark.xdist_group("servers")


def test_a_film_is_made_on_postgresql_and_s3(
    postgresql: Engine, s3: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    body = tiny_child.film(chunks=2)
    url = postgresql.url.render_as_string(hide_password=False)
    with crewroom.crew(
        tmp_path, monkeypatch, database_url=url, storage_url="s3://walkaround/flow", sandbox="none", lease_s=0.01
    ) as crew:
        asset_id = crew.send(body)
        crew.work()
        sweep.tidy()

        assert crew.is_whole(asset_id, body)
        assert len(list(connections.objects().list(keys.made(asset_id)))) == 2 * 4
        assert connections.objects().stat(next(connections.objects().list(keys.made(asset_id))).key).bytes == 64
    with postgresql.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
