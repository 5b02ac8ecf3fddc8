"""A film sent over tus and made while it arrives, with PostgreSQL and S3: the same as one that was sent whole."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import arriving
import crewroom
import pytest
from arriving import Arrival, Film
from crewroom import Crew
from flask.testing import FlaskClient
from landing import Garage, pairs
from sqlalchemy import Engine, update
from unloading import Headers, path_of, send

from pipeline.catalog import assets, reconcile
from pipeline.catalog.models import Asset, Base, Claim, State
from webapp.app import create_app
from webapp.database import session
from webapp.uploads.models import Upload
from workers import child, connections, sweep

pytestmark = pytest.mark.xdist_group("servers")

EARLY = 6.8  # s of the film that arrive before the rest: enough for the second chunk


class House(NamedTuple):
    """A crew, the upload application in front of it, and a film with the digests of all that a plain upload makes."""

    crew: Crew
    upload: FlaskClient
    headers: Headers
    metadata: str
    film: Film
    plain: dict[str, str]

    def create(self) -> tuple[str, Arrival]:
        """The path of a new upload of the film, and what becomes of it."""
        wanted = {"Upload-Length": str(len(self.film.body)), "Upload-Metadata": self.metadata}
        path = path_of(self.upload.post("/files", headers=self.headers | wanted))
        with self.upload.application.app_context():
            asset_id = session.get_one(Upload, path.rsplit("/", 1)[1]).asset_id
        return path, Arrival(self.crew, len(self.film.body), asset_id)

    def hint(self, path: str, index: bytes) -> None:
        headers = self.headers | {"Content-Type": "application/octet-stream"}
        assert self.upload.put(f"{path}/index?offset={self.film.at}", headers=headers, data=index).status_code == 204

    def send(self, path: str, start: int, end: int) -> None:
        assert send(self.upload, self.headers, path, start, self.film.body[start:end]).status_code == 204
        self.crew.work()


@pytest.fixture(scope="module")
def house(postgresql: Engine, s3: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    places = {
        "database_url": postgresql.url.render_as_string(hide_password=False),
        "storage_url": f"s3://walkaround/{folder.name}",
    }
    film = arriving.film(folder / "film.mov", seconds=7, rate=10, gop=5)
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in s3.items():
            monkeypatch.setenv(name, value)
        with crewroom.crew(folder, monkeypatch, **places, lease_s=5) as crew:
            monkeypatch.setattr(child, "run", arriving.run)
            garage = Garage(folder, PART_BYTES=str(1 << 18), **{name.upper(): value for name, value in places.items()})
            upload = create_app(garage.settings, "upload")
            phone, metadata = garage.phone(), pairs(intervention=garage.intervention("RO-1001"), kind="film")
            house = House(crew, upload.test_client(), phone.headers(), metadata, film, {})
            path, arrival = house.create()
            house.send(path, 0, len(film.body))
            house.plain.update(arrival.digests())
            yield house
            upload.extensions["engine"].dispose()
            garage.close()
    with postgresql.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())


def test_a_hinted_film_is_made_while_it_arrives_and_leaves_nothing_of_the_hint(house: House) -> None:
    film = house.film
    path, arrival = house.create()
    house.hint(path, film.index)
    house.send(path, 0, film.until(EARLY))
    early = arrival.outputs()
    assert early.keys() == {"poster", "chunk/0000", "chunk/0001"}
    assert house.crew.asset(arrival.asset_id).state is State.RECEIVING
    assert hints(arrival)

    house.send(path, film.until(EARLY), len(film.body))

    assert arrival.outputs().items() > early.items()
    assert_as_sent_whole(house, arrival)


def test_a_lying_hint_costs_nothing_but_itself(house: House) -> None:
    film = house.film
    path, arrival = house.create()
    house.hint(path, arriving.with_offsets(film.index, lambda offset: offset + 40))
    house.send(path, 0, film.until(EARLY))
    early = arrival.outputs()
    assert hints(arrival)

    house.send(path, film.until(EARLY), len(film.body))

    assert not early.items() & arrival.outputs().items()
    assert_as_sent_whole(house, arrival)


def test_a_film_in_fragments_whose_worker_is_killed_early_ends_as_if_it_had_been_sent_whole(
    house: House, tmp_path: Path
) -> None:
    film = arriving.in_fragments(tmp_path / "film.mp4", 12)
    house = house._replace(film=film, plain={})
    path, plainly = house.create()
    house.send(path, 0, len(film.body))
    house.plain.update(plainly.digests())
    path, arrival = house.create()
    assert send(house.upload, house.headers, path, 0, film.body[: film.until(4)]).status_code == 204

    assert killed_before_its_row(house.crew) == -signal.SIGKILL

    assert arrival.outputs() == {}
    assert [key for key in arrival.objects() if "/chunk/0000/" in key]
    with connections.transaction() as rows:
        rows.execute(update(Claim).where(Claim.lease_until.is_not(None)).values(lease_until=1.0))
        reconcile.ring_again(rows, all_queues=True)
    house.send(path, film.until(4), film.until(11))
    early = arrival.outputs()
    assert early.keys() == {"poster", *(f"chunk/{number:04}" for number in range(3))}
    assert house.crew.asset(arrival.asset_id).state is State.RECEIVING
    house.send(path, film.until(11), len(film.body))
    assert arrival.outputs().items() > early.items()
    assert_as_sent_whole(house, arrival)


def killed_before_its_row(crew: Crew) -> int:
    """Work in a process that is killed when it has stored its first output and says so; how that process ended."""
    connections.database().dispose()
    if (pid := os.fork()) == 0:
        try:
            connections.objects.cache_clear()
            assets.publish = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
            crew.work()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def assert_as_sent_whole(house: House, arrival: Arrival) -> None:
    """Ready, with the same files; after the sweep nothing else is stored but the parts."""
    assert house.crew.asset(arrival.asset_id).state is State.READY
    assert arrival.digests() == house.plain
    assert {name.split("/")[0] for name in house.plain} == {"poster", "chunk", "storyboard", "preview"}
    with connections.transaction() as rows:
        rows.execute(update(Asset).values(finished_at=Asset.finished_at - 60))
    sweep.tidy()
    assert hints(arrival) == []
    assert len([key for key in arrival.objects() if "/parts/" not in key]) == len(house.plain)


def hints(arrival: Arrival) -> list[str]:
    return [key for key in arrival.objects() if "/hints/" in key]
