"""Real phones' films: what is said of them from their first bytes and their index is what the whole file says."""

import json
from pathlib import Path

import pytest

from pipeline.arrived import Arrived
from pipeline.measure import measure, measure_early

pytestmark = pytest.mark.media

FOLDERS = ("video-iphone", "video-android")
FIRST = 1 << 18


def films(media: Path) -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((media / folder).iterdir()) if path.suffix != ".txt"]


def moov(body: bytes) -> tuple[int, int]:
    at = 0
    while True:
        short = int.from_bytes(body[at : at + 4], "big")
        end = at + (short if short != 1 else int.from_bytes(body[at + 8 : at + 16], "big"))
        if body[at + 4 : at + 8] == b"moov":
            return at, end
        at = end


def early(body: bytes, folder: Path) -> tuple[dict[str, object], int]:
    """The first answer that is one, and how many bytes had come by then, while bytes come as they are asked for."""
    index, here = moov(body), min(FIRST, len(body))
    while True:
        present = [[0, here], list(index)]
        sparse = bytearray(len(body))
        for start, end in present:
            sparse[start:end] = body[start:end]
        (folder / "sparse").write_bytes(sparse)
        answer = measure_early(folder / "sparse", "workshop", False, present)
        if not answer.get("later"):
            return json.loads(json.dumps(answer)), here
        arrived = Arrived.of(present, len(body))
        assert not all(arrived.holds(*span) for span in answer["later"])
        here = max(here, *(end for _, end in answer["later"]))


def test_a_phones_film_is_known_from_its_first_bytes_and_its_index(media: Path, tmp_path: Path) -> None:
    known = {}
    for path in films(media):
        body = path.read_bytes()
        answer, here = early(body, tmp_path)
        whole = json.loads(json.dumps(measure(path, "workshop", False)))
        assert answer == whole, path.name
        known[path.name] = here / len(body)
    assert len(known) >= 12
    # Most of these are a second or two long: nothing of a longer one is missed.
    assert min(known.values()) < 0.5
