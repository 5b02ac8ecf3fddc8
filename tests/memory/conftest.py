"""Every test of the memory runs on both databases and both storages."""

from collections.abc import Iterator
from pathlib import Path

import blank
import pytest
import servers
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipeline.catalog import engine as engines
from pipeline.catalog import storage as storages
from pipeline.catalog.models import Base


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Engine]:
    with servers.postgresql() as url:
        engine = engines.connect(url)
        Base.metadata.create_all(engine)
        yield engine
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "postgresql":
        engine = request.getfixturevalue("postgresql")
        yield engine
        with engine.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(table.delete())
        return
    engine = engines.connect(f"sqlite:///{tmp_path / 'walkaround.sqlite'}")
    blank.lay_out(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    with servers.s3() as environment:
        yield environment


@pytest.fixture(params=["folder", "s3"])
def storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[storages.Storage]:
    if request.param == "s3":
        for name, value in request.getfixturevalue("s3").items():
            monkeypatch.setenv(name, value)
        # A prefix of the test's own; it goes with the server.
        yield storages.connect(f"s3://walkaround/{tmp_path.name}")
        return
    yield storages.connect((tmp_path / "objects").as_uri())
