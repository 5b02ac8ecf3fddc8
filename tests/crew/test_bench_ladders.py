"""Anybody's finished HLS is read in the same way: what a rendition needs of a line, and what a line shows."""

from pathlib import Path

import pytest

from workers.bench.ladders import Variant, best, read


def _variant(name: str, *segments: tuple[int, float]) -> Variant:
    return Variant(name, Path(f"{name}.m3u8"), segments)


def test_segments_in_files_and_in_ranges_of_one_file_are_measured(tmp_path: Path) -> None:
    (tmp_path / "a.m4s").write_bytes(bytes(500_000))
    (tmp_path / "files.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.000,\na.m4s\n#EXT-X-ENDLIST\n")
    (tmp_path / "one.m3u8").write_text(
        '#EXTM3U\n#EXT-X-MAP:URI="one.mp4",BYTERANGE="700@0"\n'
        "#EXTINF:4.000,\n#EXT-X-BYTERANGE:300000@700\none.mp4\n#EXTINF:2.0,\n#EXT-X-BYTERANGE:200000@300700\none.mp4\n"
    )

    files, one = read(tmp_path / "files.m3u8"), read(tmp_path / "one.m3u8")

    assert (files.segments, files.average, files.peak) == (((500_000, 4.0),), 1_000_000, 1_000_000)
    assert one.segments == ((300_000, 4.0), (200_000, 2.0))
    assert one.average == round(4_000_000 / 6)


def test_the_peak_is_the_heaviest_run_and_a_short_heavy_end_does_not_count_alone() -> None:
    film = _variant("a", (500_000, 4.0), (1_000_000, 4.0), (400_000, 1.0))

    assert film.peak == pytest.approx((1_000_000 + 400_000) * 8 / 5, rel=0.01)
    assert film.average == round(1_900_000 * 8 / 9)


@pytest.mark.parametrize(
    ("bandwidth", "shown", "fits"),
    [(6_000_000, "1080p", True), (3_999_999, "360p", True), (800_000, "360p", True), (700_000, "360p", False)],
)
def test_a_line_shows_the_heaviest_rendition_that_never_stalls(bandwidth: int, shown: str, fits: bool) -> None:
    ladder = [_variant("1080p", (1_000_000, 4.0), (2_000_000, 4.0)), _variant("360p", (400_000, 4.0))]

    found, does = best(ladder, bandwidth)

    assert (found.name, does) == (shown, fits)
