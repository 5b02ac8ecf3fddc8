"""A film with a hurt in the middle is shown without it; one of which too little is left is refused."""

from pathlib import Path

import pytest
from painting import paint
from screening import make_chunk, measured, screen

from pipeline.errors import Damaged


def _hurt(film: Path, share: tuple[float, float]) -> None:
    """Noise over a share of the sample data, from … to."""
    data = bytearray(film.read_bytes())
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    first, last = (start + round((end - start) * at) for at in share)
    data[first:last] = bytes((7 * n * n + 13) % 251 for n in range(last - first))
    film.write_bytes(data)


def test_a_hurt_in_the_middle_costs_only_what_was_hurt(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mov", seconds=5, gop=5, codec="h264", audio=False, rate=20)
    _hurt(film, (0.5, 0.56))

    seen = screen(film, tmp_path / "out")

    numbers, times = seen.pictures()
    planned = sum(facts["planned"] for facts in seen.facts)
    assert planned == 100
    assert 85 <= len(numbers) <= 100
    assert times == sorted(times)


def test_a_film_that_is_mostly_noise_is_damaged(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mov", seconds=5, gop=20, codec="hevc", audio=False, rate=20)
    _hurt(film, (0.3, 1.0))
    result = measured(film)

    with pytest.raises(Damaged, match="frames from"):
        make_chunk(film, result, "chunk/0001", tmp_path / "out")
