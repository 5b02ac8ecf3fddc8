"""The bench's own clients and clocks: a phone, paced lines, CPU seconds; and our upload process beside the peer's."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from landing import Garage
from painting import paint

from workers import process as craft
from workers.bench import tree, tus_client, tusd, upload
from workers.bench.films import Films
from workers.bench.phone import Phone, index
from workers.bench.section import Context


@pytest.fixture(scope="module")
def garage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Garage]:
    opened = Garage(tmp_path_factory.mktemp("garage"))
    opened.upload.start()
    yield opened
    opened.close()


@pytest.fixture
def server(garage: Garage, request: pytest.FixtureRequest) -> tus_client.Server:
    phone = garage.phone()
    metadata = {"intervention": garage.intervention(request.node.name[-40:]), "kind": "film"}
    return tus_client.Server(
        f"http://127.0.0.1:{phone.port}/files", {"Authorization": f"Bearer {phone.token}"}, metadata
    )


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As phones write them: the index behind the media."""
    return paint(tmp_path_factory.mktemp("film") / "film.mp4", seconds=2)


def _noise(handle: int, size: int) -> bytes:
    return os.pread(handle, size, 0)


def test_one_request_brings_every_byte(garage: Garage, server: tus_client.Server) -> None:
    handle, size = tus_client.pages(9_000_001), 9_000_001
    url = tus_client.create(server, size)

    seconds = tus_client.send(server, url, handle, size)

    assert 0 < seconds < 60
    assert garage.received(url) == _noise(handle, size)
    assert tus_client.ask(server, "DELETE", url) == 204
    os.close(handle)


def test_a_paced_line_keeps_its_pace_and_times_every_answer(garage: Garage, server: tus_client.Server) -> None:
    handle, size = tus_client.pages(300_000), 300_000
    url = tus_client.create(server, size)
    began = time.monotonic()

    ride = asyncio.run(tus_client.ride(server, url, handle, size, 200_000, 100_000, 0.0))

    assert time.monotonic() - began > 1.0  # 1.5 s less what the first piece of each of three requests is early
    assert len(ride.answers) == 3
    assert 0 < min(ride.answers) <= max(ride.answers) < 20
    assert (ride.sent, garage.received(url)) == (size, _noise(handle, size))
    os.close(handle)


def test_a_server_that_says_no_is_quoted(server: tus_client.Server) -> None:
    stranger = tus_client.Server(server.url, {"Authorization": "Bearer wa_nobody"}, server.metadata)
    with pytest.raises(tus_client.Refused, match="401 instead of 201"):
        tus_client.create(stranger, 10)


def test_the_phone_sends_the_index_ahead_and_knows_when_each_byte_went(
    garage: Garage, server: tus_client.Server, film: Path
) -> None:
    phone = Phone(server, film, film.stat().st_size / 1.0)
    began = time.monotonic()
    phone.start()
    phone.join(60)

    assert phone.error is None
    assert phone.index_taken is True
    assert garage.received(phone.url) == film.read_bytes()
    assert phone.ended is not None
    assert phone.ended - began > 0.7  # sent within a second, as asked
    half = phone.at(phone.size // 2)
    assert half is not None
    assert began < half < phone.ended == phone.at(phone.size)


def test_only_an_index_behind_the_media_is_sent_ahead(film: Path, tmp_path: Path) -> None:
    found = index(film)
    assert found is not None
    offset, body = found
    assert film.read_bytes()[offset : offset + len(body)] == body
    assert body[4:8] == b"moov"

    in_front = tmp_path / "front.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(film), "-c", "copy", "-movflags", "+faststart"]
    subprocess.run([*command, str(in_front)], check=True)
    assert index(in_front) is None
    (tmp_path / "noise").write_bytes(b"\x00\x00\x00\x02none of it is a box")
    assert index(tmp_path / "noise") is None


def test_cpu_seconds_are_those_of_the_whole_tree() -> None:
    burn = "import time\nwhile time.process_time() < 0.5: pass\n"
    child = (
        f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {burn!r}])\n"
        "print(flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert 0.45 < tree.cpu_s(process.pid) < 5
        assert tree.memory_bytes(process.pid) > 1e6
        process.kill()


def test_our_upload_process_stands_beside_the_peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "QUICK", upload.Plan(megabytes=3, rounds=1, phones=2, seconds=1.0))
    told: list[str] = []
    context = Context(tmp_path, Films(tmp_path), craft.Order(preset="workshop"), True, told.append)

    report = upload.run(context)

    names = list(report.data["crowd"])
    assert [name.split(" ")[0] for name in names] == ["walkaround", "@tus/server"]
    assert report.measured["upload-speed"] > 0
    assert report.measured["upload-cpu"] > 0
    crowds: dict[str, dict[str, Any]] = report.data["crowd"]
    assert [(crowd["lines_lost"], crowd["answers"]) for crowd in crowds.values()] == [(0, 4), (0, 4)]
    assert [table.title for table in report.tables] == [
        "One fast upload of 3 MB, median of 1",
        "2 uploads at 2 Mbit/s at once, 1 s",
    ]


def test_a_peer_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(tusd.NotInstalled, match="@tus/server"), tusd.running(tmp_path / "files", tmp_path):
        pass
