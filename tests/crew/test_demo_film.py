"""The demo's media are what a phone writes: on their side, with a place and a device inside, the index last."""

from pathlib import Path

import av
import numpy as np
import pikepdf
import pytest
from PIL import Image

from workers.demo import film, papers

LONG = 1.2  # s


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film's beginning, to the end of the lamp's first flash."""
    path = tmp_path_factory.mktemp("demo") / "walkaround.mov"
    film.draw(path, seconds=LONG)
    return path


@pytest.fixture(scope="module")
def stills() -> list[Image.Image]:
    """The first frame, and one in which the camera looks for the brake. What is in the scene takes long to draw."""
    return list(film.frames([0.0, 8.0]))


def _kinds(path: Path) -> list[bytes]:
    data, at, kinds = path.read_bytes(), 0, []
    while at < len(data):
        kinds.append(data[at + 4 : at + 8])
        size = int.from_bytes(data[at : at + 4], "big")
        at += size if size > 1 else int.from_bytes(data[at + 8 : at + 16], "big")
    return kinds


def test_the_film_lies_on_its_side_and_says_how_to_turn_it(drawn: Path) -> None:
    with av.open(str(drawn)) as file:
        picture = file.streams.video[0]
        assert (picture.width, picture.height) == (1920, 1080)
        assert next(file.decode(picture)).rotation == -90  # ffmpeg counts the other way round
        assert picture.frames == round(LONG * film.RATE)


def test_turned_upright_the_lamps_are_above_and_the_floor_is_below(stills: list[Image.Image]) -> None:
    upright = np.asarray(stills[0].transpose(Image.Transpose.ROTATE_270).convert("L"))
    assert upright.shape == (1920, 1080)
    assert (upright[:300] >= 250).mean() > 0.02
    assert (upright[960:] >= 250).mean() < 0.002


def test_the_index_is_at_the_end_and_tells_the_place_and_the_device(drawn: Path) -> None:
    kinds, data = _kinds(drawn), drawn.read_bytes()
    assert kinds.index(b"mdat") < kinds.index(b"moov") == len(kinds) - 1
    assert b"\xa9xyz" in data
    for secret in (b"com.apple.quicktime.location.ISO6709", b"+48.8720+002.3316", b"iPhone 15 Pro", b"Apple"):
        assert secret in data


def test_the_beep_is_heard_when_the_lamp_flashes(drawn: Path) -> None:
    with av.open(str(drawn)) as file:
        lights = [(frame.time, frame.reformat(96, 54, "rgb24").to_ndarray()) for frame in file.decode(video=0)]
    with av.open(str(drawn)) as file:
        heard = [(frame.time, np.abs(frame.to_ndarray()).mean()) for frame in file.decode(audio=0)]
    # Warm light: more red than blue over the whole picture.
    warm = [(time, float(rgb[..., 0].mean() - rgb[..., 2].mean())) for time, rgb in lights]
    calm = np.median([value for _, value in warm])
    flash = min(time for time, value in warm if value > calm + 2)
    quiet = np.median([value for _, value in heard])
    beep = min(time for time, value in heard if value > 4 * quiet)
    assert abs(flash - 1.0) < 0.04
    assert abs(flash - beep) < 0.04


def test_the_same_film_is_drawn_every_time(stills: list[Image.Image]) -> None:
    again = next(film.frames([8.0]))
    assert again.tobytes() == stills[1].tobytes()


def test_photos_lie_on_their_side_and_carry_a_place(tmp_path: Path) -> None:
    papers.photos(tmp_path)
    for name in ("tyre.jpg", "brake.jpg"):
        with Image.open(tmp_path / name) as photo:
            exif = photo.getexif()
            assert photo.size == (2000, 1500)
            assert exif[0x0112] == 6
            assert exif[0x0110] == "iPhone 15 Pro"
            assert exif.get_ifd(0x8825)[1] == "N"


def test_the_sheet_names_its_author_and_the_logo_is_clear_around_its_shape(tmp_path: Path) -> None:
    papers.report(tmp_path / "report.pdf")
    papers.logo(tmp_path / "logo.png")
    with pikepdf.open(tmp_path / "report.pdf") as sheet:
        assert len(sheet.pages) == 2
        assert str(sheet.docinfo["/Author"]) == "Lea Martin"
    with Image.open(tmp_path / "logo.png") as logo:
        assert logo.mode == "RGBA"
        assert logo.getchannel("A").getextrema() == (0, 255)
        assert logo.info["Author"] == "Studio Lea Martin"


def test_the_logo_is_bold_enough_to_be_read_as_a_watermark_and_its_accent_lies_at_its_letter(tmp_path: Path) -> None:
    papers.logo(tmp_path / "logo.png")
    with Image.open(tmp_path / "logo.png") as logo:
        shape = logo.getchannel("A")
    small = np.asarray(shape.resize((108, round(108 * shape.height / shape.width)), Image.Resampling.BOX))
    # Where a film's short edge is 360 px, every stroke of the name is some pixels wide.
    strokes = np.flatnonzero(np.diff((small[-12] > 200).astype(int), prepend=0, append=0)).reshape(-1, 2)
    assert len(strokes) == 12
    assert np.diff(strokes).min() >= 3

    # The column through the accent's middle: the line above, the accent, the e with its bar and its bowl.
    column = np.asarray(shape)[:, round(shape.width * 0.69)] > 127
    edges = np.flatnonzero(np.diff(column.astype(int), prepend=0, append=0)).reshape(-1, 2)
    (_, above), (top, bottom), (letter, _) = edges[-5:-2]
    assert letter - bottom < top - above
    assert letter - bottom < 0.06 * shape.height
