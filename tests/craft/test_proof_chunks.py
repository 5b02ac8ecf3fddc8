"""What was made is held against what was decided, and every way of being wrong is seen."""

import copy
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from painting import paint

from pipeline import measure, plan, proof, source, transcode
from pipeline.errors import ProofFailed
from pipeline.make import listed


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], plan.Plan, source.Source, Path]:
    folder = tmp_path_factory.mktemp("proof")
    film = paint(folder / "in.mp4", seconds=2, size=(640, 480), rotation=90)
    measured = measure.measure(film, "workshop", False)
    found, decided = source.from_json(measured["source"]), plan.from_json(measured["plan"])
    assert decided.film is not None
    out = folder / "out"
    out.mkdir()
    facts = transcode.make(film, found, decided, decided.film.chunks[0], None, out)
    return out, {"files": listed(out), "facts": facts}, decided, found, film


class Bench:
    """A copy of a good chunk, to be spoilt."""

    def __init__(self, out: Path, made: dict[str, Any], decided: plan.Plan, found: source.Source, film: Path) -> None:
        assert decided.film is not None
        self.film = film
        self.out, self.made, self.plan, self.source = out, copy.deepcopy(made), decided.film, found
        self.chunk = self.plan.chunks[0]
        self.name = self.plan.renditions[-1].name

    def prove(self) -> dict[str, Any]:
        return proof.chunk(self.out, self.made, self.plan, self.chunk, self.source, self.film)

    def spoil(self, name: str, change: Callable[[bytes], bytes]) -> None:
        path = self.out / name
        path.write_bytes(change(path.read_bytes()))
        for file in self.made["files"]:
            if file["path"] == name:
                file["bytes"] = path.stat().st_size
        for rendition in self.made["facts"]["renditions"]:
            for segment in rendition["segments"]:
                if segment["path"] == name:
                    segment["bytes"] = path.stat().st_size


@pytest.fixture
def bench(original: tuple[Path, dict[str, Any], plan.Plan, source.Source, Path], tmp_path: Path) -> Bench:
    out, made, decided, found, film = original
    shutil.copytree(out, tmp_path / "out")
    return Bench(tmp_path / "out", made, decided, found, film)


def test_a_good_chunk_is_proved_and_its_sync_and_pictures_are_measured(bench: Bench) -> None:
    facts = bench.prove()
    assert facts["frames"] == 30
    assert facts["sync"] <= 0.005
    assert facts["checked"] == 30 + len(bench.plan.renditions) - 1
    assert facts["witness"]["likeness"] > 0.99
    added = {"sync", "checked", "witness"}
    assert {key: value for key, value in facts.items() if key not in added} == bench.made["facts"]


def test_proof_tells_how_far_it_is_with_every_picture(bench: Bench) -> None:
    told: list[float] = []
    proof.chunk(bench.out, bench.made, bench.plan, bench.chunk, bench.source, bench.film, on_progress=told.append)
    assert len(told) == 30 * len(bench.plan.renditions)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_missing_frame_is_seen(bench: Bench) -> None:
    bench.chunk = replace(bench.chunk, frames=31)
    with pytest.raises(ProofFailed, match="is 30, decided was 31"):
        bench.prove()


def test_frames_beside_their_time_are_seen(bench: Bench) -> None:
    bench.chunk = replace(bench.chunk, start=0.1)
    with pytest.raises(ProofFailed, match=r"start is 0\.0000 s, decided was 0\.1000 s"):
        bench.prove()


def test_a_key_frame_where_none_was_planned_is_seen(bench: Bench) -> None:
    bench.chunk = replace(bench.chunk, keys=(0.0, 1.0))
    with pytest.raises(ProofFailed, match="key frames"):
        bench.prove()


def test_another_size_is_seen(bench: Bench) -> None:
    smallest = replace(bench.plan.renditions[-1], width=1234)
    bench.plan = replace(bench.plan, renditions=(*bench.plan.renditions[:-1], smallest))
    with pytest.raises(ProofFailed, match="size is"):
        bench.prove()


def test_a_turn_left_to_the_player_is_seen(bench: Bench) -> None:
    upright = b"\0\1\0\0" + bytes(12) + b"\0\1\0\0" + bytes(12) + b"\x40\0\0\0"
    turned = bytes(4) + b"\0\1\0\0" + bytes(4) + b"\xff\xff\0\0" + bytes(16) + b"\x40\0\0\0"
    # the first matrix is the movie's, the second the picture's
    bench.spoil(f"{bench.name}-init.mp4", lambda data: data.replace(upright, turned))
    with pytest.raises(ProofFailed, match="display matrix"):
        bench.prove()


def test_sound_a_tenth_of_a_second_late_is_seen(bench: Bench) -> None:
    def later(data: bytes) -> bytes:
        # The second track's decode time, in samples of 1/48000 s.
        at = data.index(b"tfdt", data.index(b"tfdt") + 4)
        time = int.from_bytes(data[at + 8 : at + 16], "big") + 4800
        return data[: at + 8] + time.to_bytes(8, "big") + data[at + 16 :]

    bench.spoil(f"{bench.name}-000.m4s", later)
    with pytest.raises(ProofFailed, match=r"sound's start is 0\.1"):
        bench.prove()


def test_a_picture_that_does_not_decode_is_seen(bench: Bench) -> None:
    def scratched(data: bytes) -> bytes:
        at = data.index(b"mdat") + 3000
        return data[:at] + bytes(range(1, 201)) + data[at + 200 :]

    bench.spoil(f"{bench.name}-000.m4s", scratched)
    with pytest.raises(ProofFailed):
        bench.prove()


def test_a_cut_segment_is_seen(bench: Bench) -> None:
    bench.spoil(f"{bench.name}-000.m4s", lambda data: data[:-500])
    with pytest.raises(ProofFailed):
        bench.prove()


def test_an_added_box_is_seen(bench: Bench) -> None:
    bench.spoil(f"{bench.name}-000.m4s", lambda data: data + b"\0\0\0\x10udta\0\0\0\x08abcd")
    with pytest.raises(ProofFailed, match="a udta box"):
        bench.prove()


def test_a_string_of_the_source_is_seen_and_not_repeated(bench: Bench) -> None:
    bench.source = replace(bench.source, private=("Painted by Alice",))
    bench.spoil(f"{bench.name}-000.m4s", lambda data: data[:-16] + b"Painted by Alice")
    with pytest.raises(ProofFailed, match="1 traces") as raised:
        bench.prove()
    assert "Alice" not in str(raised.value)


def test_a_wrong_place_of_a_key_frame_is_seen(bench: Bench) -> None:
    bench.made["facts"]["renditions"][-1]["segments"][0]["iframes"][0]["offset"] = 7
    with pytest.raises(ProofFailed, match="I-frame"):
        bench.prove()


def test_a_missing_rendition_is_seen(bench: Bench) -> None:
    bench.made["facts"]["renditions"].pop()
    with pytest.raises(ProofFailed, match="renditions"):
        bench.prove()
