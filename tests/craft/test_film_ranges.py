"""A chunk needs only the bytes its plan names: a sparse file with nothing else makes the same segments."""

import hashlib
from pathlib import Path

import pytest
from painting import paint
from screening import chunk_names, make_chunk, measured


def _sparse(film: Path, ranges: list[list[int]], to: Path) -> Path:
    with film.open("rb") as whole, to.open("wb") as part:
        part.truncate(film.stat().st_size)
        for start, end in ranges:
            whole.seek(start)
            part.seek(start)
            part.write(whole.read(end - start))
    return to


def _digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


@pytest.mark.parametrize(
    ("codec", "gop", "audio_codec"),
    [("h264-b", 30, "aac"), ("hevc", 24, "aac"), ("h264", 15, "pcm_s16le")],
    ids=["closed, sound passed through", "open", "sound encoded"],
)
def test_a_sparse_file_with_the_planned_ranges_makes_the_same_bytes(
    tmp_path: Path, codec: str, gop: int, audio_codec: str
) -> None:
    # Noise, so that the film is large enough to have bytes which a chunk does not need.
    noise = "noise=alls=60:allf=t"
    film = paint(
        tmp_path / "film.mov", seconds=9, rate=15, gop=gop, codec=codec, audio_codec=audio_codec, video_filter=noise
    )
    result = measured(film)
    outputs = {one["name"]: one for one in result["plan"]["outputs"]}

    for name in chunk_names(result):
        ranges = outputs[name]["ranges"]
        part = _sparse(film, ranges, tmp_path / "part.mov")
        make_chunk(film, result, name, tmp_path / "whole")
        make_chunk(part, result, name, tmp_path / "sparse")
        assert sum(end - start for start, end in ranges) < film.stat().st_size
        assert _digests(tmp_path / "whole" / name) == _digests(tmp_path / "sparse" / name)
