"""One contract, a folder and a real S3 service."""

import os
import threading
import time
from mmap import mmap
from pathlib import Path

import pytest

from pipeline.catalog import storage as storages
from pipeline.catalog.storage import NotStored, Storage, StorageDown

pytestmark = pytest.mark.xdist_group("servers")

BODY = bytes(range(256)) * 40


def test_what_was_put_is_read_back_whole_and_by_range(storage: Storage) -> None:
    storage.put("assets/a/parts/1", BODY, "video/mp4")

    assert storage.get("assets/a/parts/1") == BODY
    assert b"".join(storage.read("assets/a/parts/1")) == BODY
    assert b"".join(storage.read("assets/a/parts/1", 100, 300)) == BODY[100:300]
    assert b"".join(storage.read("assets/a/parts/1", 10_000)) == BODY[10_000:]
    assert b"".join(storage.read("assets/a/parts/1", 10_000, 99_999)) == BODY[10_000:]


def test_blocks_are_no_longer_than_asked_for(storage: Storage) -> None:
    storage.put("assets/a/parts/1", BODY)

    sizes = [len(block) for block in storage.read("assets/a/parts/1", 0, 2500, block=1000)]

    assert sum(sizes) == 2500
    assert max(sizes) <= 1000


@pytest.mark.parametrize(("start", "end"), [(0, 0), (50, 50), (50, 40), (len(BODY), None), (len(BODY) + 9, None)])
def test_an_empty_range_gives_nothing(storage: Storage, start: int, end: int | None) -> None:
    storage.put("assets/a/parts/1", BODY)

    assert b"".join(storage.read("assets/a/parts/1", start, end)) == b""


def test_an_empty_object_can_be_kept(storage: Storage) -> None:
    storage.put("assets/a/empty", b"")

    assert storage.get("assets/a/empty") == b""
    assert storage.stat("assets/a/empty").bytes == 0


def test_part_of_a_buffer_can_be_put_without_a_copy(storage: Storage) -> None:
    storage.put("assets/a/parts/1", memoryview(bytearray(BODY))[10:20])

    assert storage.get("assets/a/parts/1") == BODY[10:20]


@pytest.mark.parametrize("start", [0, 1])
def test_many_bytes_are_kept_exactly_wherever_they_lie(storage: Storage, start: int) -> None:
    buffer = mmap(-1, 5 << 20)
    buffer.write(os.urandom(5 << 20))
    part = memoryview(buffer)[start : (5 << 20) - 123]

    storage.put("assets/a/parts/1", part)

    assert storage.get("assets/a/parts/1") == bytes(part)
    assert storage.stat("assets/a/parts/1").bytes == len(part)


def test_a_second_put_replaces_the_first(storage: Storage) -> None:
    storage.put("assets/a/x", b"first")
    storage.put("assets/a/x", b"second one")

    assert storage.get("assets/a/x") == b"second one"
    assert storage.stat("assets/a/x").bytes == 10


def test_a_file_is_put_without_being_held_in_memory(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.write_bytes(os.urandom(9 * 2**20))  # more than one S3 part

    storage.put_file("assets/a/large", source, "video/mp4")

    assert storage.stat("assets/a/large").bytes == 9 * 2**20
    assert b"".join(storage.read("assets/a/large")) == source.read_bytes()


def test_stat_says_size_and_time(storage: Storage) -> None:
    storage.put("assets/a/x", BODY)

    found = storage.stat("assets/a/x")

    assert (found.key, found.bytes) == ("assets/a/x", len(BODY))
    assert abs(found.changed_at - time.time()) < 60


@pytest.mark.parametrize("call", ["get", "read", "stat"])
def test_what_is_not_there_is_said_before_the_first_byte(storage: Storage, call: str) -> None:
    storage.put("assets/a/other", b"x")

    with pytest.raises(NotStored, match="assets/a/x"):
        getattr(storage, call)("assets/a/x")


def test_listing_finds_everything_below_and_nothing_beside(storage: Storage) -> None:
    for key in ("assets/a/parts/1", "assets/a/made/r/poster/1/poster.jpg", "assets/ab/parts/1", "logos/a/b.png"):
        storage.put(key, b"x")

    assert {found.key for found in storage.list("assets/a/")} == {
        "assets/a/parts/1",
        "assets/a/made/r/poster/1/poster.jpg",
    }
    assert list(storage.list("assets/none/")) == []


def test_deleting_is_final_and_may_be_repeated(storage: Storage) -> None:
    storage.put("assets/a/x", b"x")

    storage.delete("assets/a/x")
    storage.delete("assets/a/x")

    with pytest.raises(NotStored):
        storage.get("assets/a/x")


def test_a_prefix_goes_with_everything_below_it_only(storage: Storage) -> None:
    for key in ("assets/a/parts/1", "assets/a/made/r/poster/1/poster.jpg", "assets/ab/parts/1"):
        storage.put(key, b"x")

    storage.delete_prefix("assets/a/")
    storage.delete_prefix("assets/a/")

    assert [found.key for found in storage.list("")] == ["assets/ab/parts/1"]


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../secret", "assets/../../x", "assets//x", "assets/./x"])
def test_no_key_leads_outside(storage: Storage, key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        storage.put(key, b"x")
    with pytest.raises(ValueError, match="key"):
        storage.get(key)


def test_a_prefix_without_its_slash_is_a_mistake(storage: Storage) -> None:
    with pytest.raises(ValueError, match="slash"):
        list(storage.list("assets/a"))
    with pytest.raises(ValueError, match="slash"):
        storage.delete_prefix("assets/a")


def test_a_reader_never_sees_half_a_put(storage: Storage) -> None:
    storage.put("assets/a/x", b"0" * 300_000)
    seen, stop = set(), threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.add(storage.get("assets/a/x"))

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(1, 12):
        storage.put("assets/a/x", b"%d" % (number % 10) * 300_000)
    stop.set()
    reader.join()

    assert seen
    assert all(len(body) == 300_000 and len(set(body)) == 1 for body in seen)


def test_a_folder_keeps_its_drafts_to_itself(tmp_path: Path) -> None:
    storage = storages.connect((tmp_path / "objects").as_uri())
    storage.put("assets/a/x", b"x")
    (tmp_path / "objects/.drafts/left-by-a-crash").write_bytes(b"half")

    assert [found.key for found in storage.list("")] == ["assets/a/x"]
    with pytest.raises(ValueError, match="key"):
        storage.get(".drafts/left-by-a-crash")


def test_what_a_crash_left_half_written_is_removed_after_a_day(tmp_path: Path) -> None:
    drafts = tmp_path / "objects/.drafts"
    drafts.mkdir(parents=True)
    for name, hours in (("old", 25), ("young", 1)):
        (drafts / name).write_bytes(b"half")
        os.utime(drafts / name, (time.time() - hours * 3600,) * 2)

    storages.connect((tmp_path / "objects").as_uri())

    assert [path.name for path in drafts.iterdir()] == ["young"]


def test_a_full_or_broken_disk_is_not_a_missing_object(tmp_path: Path) -> None:
    (tmp_path / "objects").write_bytes(b"a file where the folder should be")
    storage = storages.connect((tmp_path / "objects").as_uri())

    with pytest.raises(StorageDown):
        storage.put("assets/a/x", b"x")


def test_a_service_that_does_not_answer_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    storage = storages.connect("s3://nowhere")

    with pytest.raises(StorageDown):
        storage.get("assets/a/x")


def test_only_a_folder_or_a_bucket_is_a_storage() -> None:
    with pytest.raises(ValueError, match="neither"):
        storages.connect("ftp://elsewhere")
