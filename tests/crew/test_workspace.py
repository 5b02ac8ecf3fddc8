"""Just the bytes one output needs, in a folder that is gone afterwards, whatever happened."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import servers

from pipeline.catalog import storage as storages
from pipeline.catalog.storage import NotStored, Piece, Storage
from workers.workspace import SPARE_BYTES, remove_abandoned, workspace

BODY = os.urandom(50_000)
PIECES = [Piece(offset, min(7_000, 50_000 - offset), f"parts/{offset}") for offset in range(0, 50_000, 7_000)]

WORKER = """
import sys
from pathlib import Path
from pipeline.catalog import storage
from workers import child, sandbox
from workers.workspace import workspace
code = "import json, time; print(json.dumps({'progress': 0.5}), flush=True); time.sleep(60)"
objects = storage.connect(Path(sys.argv[2]).as_uri())
with workspace(Path(sys.argv[1]), objects, size=0, pieces=[], ranges=None) as place:
    place.inputs["input"].chmod(0o600)
    child.run(
        {}, inputs=place.inputs, room=place.room, layer=sandbox.choose("auto"), program=("-c", code),
        on_progress=lambda _: print("there", flush=True),
    )
"""


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    storage = storages.connect((tmp_path / "objects").as_uri())
    for piece in PIECES:
        storage.put(piece.key, BODY[piece.offset : piece.offset + piece.length])
    return storage


def test_the_whole_original_is_put_together_from_its_parts(storage: Storage, tmp_path: Path) -> None:
    with workspace(tmp_path / "work", storage, size=50_000, pieces=PIECES, ranges=None) as place:
        assert place.inputs["input"].read_bytes() == BODY
        assert list(place.out.iterdir()) == []
    assert list((tmp_path / "work").iterdir()) == []


def test_bytes_asked_for_twice_are_fetched_once(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[int] = []
    read = storage.read

    def counted(key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        for block in read(key, start, end):
            fetched.append(len(block))
            yield block

    monkeypatch.setattr(storage, "read", counted)
    asked = [[0, 9_000], [20_000, 20_500], [0, 12_000], [8_000, 11_000]]

    with workspace(tmp_path / "work", storage, size=50_000, pieces=PIECES, ranges=asked) as place:
        assert place.inputs["input"].read_bytes()[:12_000] == BODY[:12_000]

    assert sum(fetched) == 12_500


def test_only_the_bytes_asked_for_are_fetched(storage: Storage, tmp_path: Path) -> None:
    storage.delete("parts/21000")  # not needed, so not missed

    with workspace(
        tmp_path / "work", storage, size=2**40, pieces=PIECES, ranges=[[0, 100], [6_990, 7_010], [49_000, 50_000]]
    ) as place:
        file = place.inputs["input"]
        assert file.stat().st_size == 2**40
        assert file.stat().st_blocks * 512 < 100_000
        with file.open("rb") as opened:
            assert opened.read(100) == BODY[:100]
            assert opened.read(100) == bytes(100)
            opened.seek(6_990)
            assert opened.read(20) == BODY[6_990:7_010]
            opened.seek(49_000)
            assert opened.read(1_000) == BODY[49_000:]


def test_the_watermark_lies_beside_the_original(storage: Storage, tmp_path: Path) -> None:
    storage.put("logos/dealer/1.png", b"a logo")

    with workspace(
        tmp_path / "work", storage, size=9, pieces=PIECES, ranges=None, watermark_key="logos/dealer/1.png"
    ) as place:
        assert place.inputs["watermark"].read_bytes() == b"a logo"


@pytest.mark.parametrize("left", [b"", b"half"])
def test_a_part_that_is_not_whole_is_said(storage: Storage, tmp_path: Path, left: bytes) -> None:
    storage.delete("parts/7000")
    if left:
        storage.put("parts/7000", left)

    with pytest.raises(NotStored, match="parts/7000"):
        with workspace(tmp_path / "work", storage, size=50_000, pieces=PIECES, ranges=None):
            pass
    assert list((tmp_path / "work").iterdir()) == []


def test_fetching_stops_when_it_is_no_longer_wanted(storage: Storage, tmp_path: Path) -> None:
    class Lost(Exception):
        pass

    def check() -> None:
        raise Lost

    with pytest.raises(Lost):
        with workspace(tmp_path / "work", storage, size=50_000, pieces=PIECES, ranges=None, check=check):
            pass
    assert list((tmp_path / "work").iterdir()) == []


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.workspace.shutil.disk_usage", lambda _: SimpleNamespace(free=SPARE_BYTES + 49_999))
    monkeypatch.setattr(type(storage), "read", lambda *_: pytest.fail("fetched"))

    with pytest.raises(OSError, match=rf"50000 bytes and {SPARE_BYTES} to spare.*{SPARE_BYTES + 49_999} are free"):
        with workspace(tmp_path / "work", storage, size=50_000, pieces=PIECES, ranges=None):
            pass
    assert list((tmp_path / "work").iterdir()) == []


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A temporary folder with a short name: the sandbox's trial puts a socket there."""
    with servers.folder() as folder:
        yield folder


def made_long_ago(work: Path) -> None:
    for folder in work.iterdir():
        os.utime(folder, (1, 1))


def test_a_killed_worker_leaves_no_copy_of_the_input(storage: Storage, tmp_path: Path, elsewhere: Path) -> None:
    work = tmp_path / "work"
    killed = subprocess.Popen(
        [
            *(sys.executable, "-c", WORKER),
            *(str(work), str(tmp_path / "objects")),
        ],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TMPDIR": str(elsewhere)},
    )
    assert killed.stdout is not None
    assert killed.stdout.readline() == b"there\n"
    assert [path.name[:17] for path in work.glob("attempt-*/*")].count("walkaround-child-") == 1
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    assert remove_abandoned(work) == 0  # too young: it might not be locked yet
    made_long_ago(work)

    assert remove_abandoned(work) == 1

    assert list(work.iterdir()) == []
    assert list(elsewhere.iterdir()) == []


def test_what_a_killed_worker_left_is_removed_and_what_a_living_one_uses_is_not(
    storage: Storage, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    killed = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import sys, time; from pathlib import Path; from pipeline.catalog import storage\n"
            "from workers.workspace import workspace\n"
            "objects = storage.connect(Path(sys.argv[2]).as_uri())\n"
            "with workspace(Path(sys.argv[1]), objects, size=0, pieces=[], ranges=None):\n"
            "    print('there', flush=True); time.sleep(60)",
            *(str(work), str(tmp_path / "objects")),
        ],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert killed.stdout is not None
    assert killed.stdout.readline() == b"there\n"
    with workspace(work, storage, size=50_000, pieces=PIECES, ranges=None) as place:
        assert remove_abandoned(work) == 0
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        killed.stdout.close()
        made_long_ago(work)

        assert remove_abandoned(work) == 1

        assert place.inputs["input"].read_bytes() == BODY
        assert len(list(work.iterdir())) == 1
