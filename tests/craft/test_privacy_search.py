"""What a source tells is found in it, and again in anything that repeats it."""

import random
from pathlib import Path

import pytest
from painting import paint
from PIL import Image

from pipeline import privacy
from pipeline.privacy.needles import needles, spellings, tells


def test_a_film_tells_its_device_its_place_and_its_comment(tmp_path: Path) -> None:
    film = paint(
        tmp_path / "in.mov",
        seconds=0.2,
        audio=False,
        metadata={
            "com.apple.quicktime.make": "Painted Phones",
            "com.apple.quicktime.location.ISO6709": "+48.8577+002.2950+035.00/",
            "comment": "for Alice only",
        },
        extra=["-movflags", "use_metadata_tags"],
    )
    found = privacy.collect(film, "mov")
    assert {"Painted Phones", "for Alice only", "+48.8577+002.2950+035.00/", "48.8577", "2.2950"} <= found


def test_a_browser_recording_tells_its_title(tmp_path: Path) -> None:
    film = paint(tmp_path / "in.webm", seconds=0.2, codec="vp8", audio=False, metadata={"title": "Bay 4, Mr Example"})
    assert "Bay 4, Mr Example" in privacy.collect(film, "matroska")


def test_a_film_without_metadata_tells_nothing(tmp_path: Path) -> None:
    film = paint(tmp_path / "in.mp4", seconds=0.2)
    assert privacy.collect(film, "mov") == frozenset()


def _with_old_index(film: Path) -> Path:
    """The film with a copy of its index behind it, in a box of padding, as programs leave it that wrote another."""
    data = film.read_bytes()
    at = data.index(b"moov") - 4
    index = data[at : at + int.from_bytes(data[at : at + 4], "big")]
    film.write_bytes(data + index[:4] + b"free" + index[8:])
    return film


def test_the_box_names_of_a_replaced_index_are_no_trace(tmp_path: Path) -> None:
    film = paint(tmp_path / "in.mp4", seconds=0.2)
    assert privacy.collect(_with_old_index(film), "mov") == frozenset()


def test_what_a_replaced_index_tells_is_still_told(tmp_path: Path) -> None:
    film = _with_old_index(paint(tmp_path / "in.mov", seconds=0.2, audio=False, metadata={"comment": "for Alice only"}))
    data = film.read_bytes()
    film.write_bytes(data.replace(b"for Alice only", b"for Bobby only", 1))
    assert {"for Alice only", "for Bobby only"} <= privacy.collect(film, "mov")


def test_what_somebody_wrote_into_padding_is_told(tmp_path: Path) -> None:
    film = paint(tmp_path / "in.mp4", seconds=0.2, audio=False)
    film.write_bytes(film.read_bytes() + b"\0\0\0\x11freeAlice\0\0\0\0")
    assert "Alice" in privacy.collect(film, "mov")


def test_a_broken_file_tells_nothing_and_stops_nobody(tmp_path: Path) -> None:
    for format in ("mov", "matroska", "JPEG", "HEIF", "PDF"):
        (tmp_path / "in").write_bytes(b"\0\0\0\x18moov\0\0\0\xffudta" + bytes(40))
        assert isinstance(privacy.collect(tmp_path / "in", format), frozenset)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_string_is_found_in_every_spelling_of_its_letters(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "out.bin"
    path.write_bytes(random.Random(1).randbytes(5000) + "Müller & Söhne".encode(encoding) + b"\1\2\3")
    assert len(privacy.search(path, {"Müller & Söhne"})) == 1
    assert privacy.search(path, {"Somebody Else"}) == []


def test_a_trace_never_quotes_what_it_found(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    path.write_bytes(b"by Alice Example")
    [trace] = privacy.search(path, {"Alice Example"})
    assert "Alice" not in trace.what + trace.where


def test_four_letters_in_compressed_pixels_are_a_coincidence_and_beside_them_they_are_not(tmp_path: Path) -> None:
    path = tmp_path / "out.jpg"
    Image.new("RGB", (64, 64), "grey").save(path)
    data = path.read_bytes()
    scan = data.index(b"\xff\xda") + 14
    path.write_bytes(data[:scan] + b"Opel" + data[scan:])
    assert privacy.search(path, {"Opel"}) == []
    path.write_bytes(data[:2] + b"\xff\xfe\0\x06Opel" + data[2:])
    assert len(privacy.search(path, {"Opel"})) == 1


def test_places_are_looked_for_as_people_and_programs_write_them() -> None:
    found = spellings(12.3456)
    assert {"12.3456", "12.345600", "12,20.736", "12°20'44.16", "12 deg 20' 44.16"} <= set(found)
    assert {"98.7654", "12.3456"} <= needles([], [(12.3456, -98.7654)])
    assert needles([], [(0.0, 0.0)]) == frozenset()


def test_a_date_is_looked_for_in_its_three_usual_forms() -> None:
    assert {"2019-08-07", "2019:08:07", "20190807"} <= needles(["2019:08:07 06:05:04"])


def test_a_long_history_of_edits_does_not_push_out_who_made_them() -> None:
    days = [f"2019-{month:02}-{day:02}T10:00:00" for month in range(1, 13) for day in range(1, 20)]
    found = needles([*days, "Alice Example"], [(12.3456, -98.7654)])
    assert {"Alice Example", "98.7654", "2019:01:01"} <= found


@pytest.mark.parametrize(
    "text", ["VideoHandler", "VideoHandle", "Core Media Video", "Lavf60.3.100", "0000", "1.0", "abc", "rdf:li", "de-DE"]
)
def test_words_that_every_file_holds_are_no_trace(text: str) -> None:
    assert not tells(text)


@pytest.mark.parametrize("text", ["Apple", "iPhone 15 Pro", "Bob", "Opel", "4711-0815"])
def test_a_name_is_one_if_it_has_four_letters(text: str) -> None:
    assert tells(text) == (len(text) >= 4)
