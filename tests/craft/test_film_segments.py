"""What was made is cut, and read again, piece by piece: a film that is one chunk may be larger than the memory."""

import tracemalloc
from pathlib import Path

from painting import ffmpeg

from pipeline import segments
from pipeline.proof.joined import Joined

NOISE = "nullsrc=size=320x240:rate=10:duration=8,geq=random(1)*255:128:128,format=yuv420p"


def _made(folder: Path) -> Path:
    """A fragmented film of 8 s, a fragment every second, with more bytes than anybody would watch."""
    film = folder / "0.mp4"
    how = ["-c:v", "libx264", "-preset", "ultrafast", "-qp", 1, "-g", 10, "-bf", 0, "-use_editlist", 0]
    flags = "frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_trailer"
    ffmpeg("-f", "lavfi", "-i", NOISE, *how, "-movflags", flags, film)
    return film


def test_a_long_chunk_is_cut_without_being_in_memory_and_leaves_only_what_was_cut(tmp_path: Path) -> None:
    film = _made(tmp_path)
    size = film.stat().st_size
    out = tmp_path / "out"
    out.mkdir()
    tracemalloc.start()
    try:
        facts = segments.split(film, "240p", ahead=0, cuts=(0, 2, 4, 6), end=8, out=out)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert facts["frames"] == 80
    assert [one["start"] for one in facts["segments"]] == [0, 2, 4, 6]
    assert size - 100_000 < facts["bytes"] < size
    assert most < size / 4
    assert not film.exists()


def test_files_are_read_one_behind_the_other(tmp_path: Path) -> None:
    parts = [b"init", b"", b"first segment", b"second"]
    paths = [tmp_path / str(n) for n in range(len(parts))]
    for path, part in zip(paths, parts, strict=True):
        path.write_bytes(part)
    whole = b"".join(parts)
    with Joined(paths) as joined:
        assert joined.read() == whole
        assert joined.seek(2) == 2
        # A file's end ends a piece, as with any file.
        assert [joined.read(9), joined.read(9), joined.read(99), joined.read(9)] == [
            b"it",
            whole[4:13],
            whole[13:17],
            whole[17:],
        ]
        assert joined.seek(-3, 2) == joined.tell() == len(whole) - 3
        assert joined.read(9) == whole[-3:]
        assert joined.read(9) == b""
