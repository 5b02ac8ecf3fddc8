"""HDR becomes SDR that looks right; every other kind of colour becomes bt709 in fact and by name."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from darkroom import FILM, HLG, PQ, coded, developed, first_frame, hlg_signal, seen

from pipeline.colour import PEAK, WHITE, pq
from pipeline.source import Film
from workers.bench import eye
from workers.bench.colour import compared, painted

TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
GREYS = np.array([0.0, 1, 10, 26, 60, 100, 203, 350, 500, 1000])  # cd/m²


def _greys(film: Film, folder: Path) -> np.ndarray:
    signal = hlg_signal(np.stack([GREYS] * 3, 1)) if film is HLG else np.stack([[pq(n) for n in GREYS]] * 3, 1)
    return developed(coded(signal, red=0.2627, blue=0.0593, bits=10), len(GREYS), film, folder)


@pytest.mark.parametrize("film", [HLG, PQ], ids=["hlg", "pq"])
def test_white_is_white_mid_grey_is_mid_grey_and_lamps_keep_their_form(film: Film, tmp_path: Path) -> None:
    luma = dict(zip(GREYS, _greys(film, tmp_path)[:, 0], strict=True))
    assert luma[0] == pytest.approx(16, abs=1)
    # 26 cd/m² of 203, on a screen with gamma 2.4.
    assert luma[26] == pytest.approx(16 + 219 * (26 / WHITE) ** (1 / 2.4), abs=3)
    assert luma[100] == pytest.approx(16 + 219 * (100 / WHITE) ** (1 / 2.4), abs=4)
    assert 205 <= luma[203] <= 222  # diffuse white at about 91 %, room above it for light
    steps = [luma[n] for n in GREYS]
    assert all(low < high for low, high in pairwise(steps))
    assert luma[1000] - luma[203] >= 14
    assert luma[PEAK] <= 235


@pytest.mark.parametrize("film", [HLG, PQ], ids=["hlg", "pq"])
def test_greys_stay_grey(film: Film, tmp_path: Path) -> None:
    assert np.abs(_greys(film, tmp_path)[:, 1:] - 128).max() <= 1


SRGB = {
    "light skin": (194, 150, 130), "dark skin": (115, 82, 68), "red": (175, 54, 60), "dark red": (90, 15, 15),
    "green": (70, 148, 73), "blue": (56, 61, 150), "rust": (120, 60, 35), "sky": (98, 122, 157),
    "orange": (214, 126, 44), "yellow": (230, 200, 30), "grass": (87, 108, 67), "cyan": (8, 133, 161),
}  # fmt: skip
LINEAR = (np.array(list(SRGB.values())) / 255) ** 2.4


def _hlg(linear: np.ndarray, film: Film, folder: Path) -> np.ndarray:
    """L*a*b* of what becomes of light (1: SDR white) that was filmed in HLG."""
    signal = hlg_signal(linear @ TO_2020.T * WHITE)
    raw = coded(signal, red=0.2627, blue=0.0593, bits=film.bits, full=film.full_range)
    return eye.lab(eye.shown(developed(raw, len(linear), film, folder)))


@pytest.mark.parametrize(
    "film",
    [
        HLG,
        replace(HLG, full_range=True),
        replace(HLG, pixel_format="yuv420p", bits=8),
        replace(HLG, pixel_format="yuvj420p", bits=8, full_range=True),
        replace(HLG, rotation=180),
    ],
    ids=["10 bit", "full range", "8 bit", "8 bit full range", "upside down"],
)
def test_skin_rust_and_paint_keep_their_colour(film: Film, tmp_path: Path) -> None:
    turned = slice(None, None, -1) if film.rotation else slice(None)
    far = eye.distance(_hlg(LINEAR, film, tmp_path)[turned], eye.lab(LINEAR))
    told = dict(zip(SRGB, far.round(1), strict=True))
    assert far.mean() < 2.5, told
    assert far.max() < 5.5, told
    assert told["rust"] < 2.5


@pytest.mark.parametrize("film", [replace(HLG, matrix="bt709", primaries="bt709"), replace(HLG, primaries="smpte432")])
def test_hlg_in_other_primaries_is_not_taken_for_the_wide_ones(film: Film, tmp_path: Path) -> None:
    grey = hlg_signal(np.full((1, 3), 60.0))
    red = np.array([[0.7, 0.45, 0.45]])
    made = developed(coded(np.concatenate([grey, red]), red=0.2126, blue=0.0722, bits=10), 2, film, tmp_path)
    assert np.abs(made[0] - [148, 128, 128]).max() <= 2
    same = developed(coded(np.concatenate([grey, red]), red=0.2627, blue=0.0593, bits=10), 2, HLG, tmp_path)
    # The wide primaries are farther from grey than those of bt709 and of Display P3.
    assert made[1, 2] - 128 < same[1, 2] - 128


def test_a_bright_tail_lamp_stays_red(tmp_path: Path) -> None:
    made = _hlg(np.array([[1.6, 0.05, 0.05]]), HLG, tmp_path)[0]  # brighter than white
    wanted = eye.lab(np.array([1, 0.05 / 1.6, 0.05 / 1.6]))
    assert abs(np.degrees(np.arctan2(made[2], made[1]) - np.arctan2(wanted[2], wanted[1]))) < 8
    assert made[0] < 70


def test_a_whole_chart_is_near_the_exact_rendering(tmp_path: Path) -> None:
    """2,760 painted colours of a film; the same comparison that the bench makes with real ones."""
    found = compared(painted(tmp_path), "chart", 3)
    assert found.frames == 3
    assert found.mean <= 2
    assert found.high <= 4.5


def test_a_film_made_smaller_has_the_same_colours(tmp_path: Path) -> None:
    path = painted(tmp_path)
    film = replace(HLG, coded_width=640, coded_height=368, width=640, height=368)
    whole, half = (first_frame(path, film, *size, tmp_path) for size in ((640, 368), (320, 184)))
    assert np.abs(whole[8::16, 8::16] - half[4::8, 4::8]).mean() < 3


_PATCHES = np.array([(194, 150, 130), (175, 54, 60), (70, 148, 73), (56, 61, 150), (128, 128, 128), (235, 235, 235)])
_PATCHES = _PATCHES / 255


@pytest.mark.parametrize(
    ("film", "red", "blue"),
    [
        (FILM, 0.2126, 0.0722),
        (replace(FILM, full_range=True), 0.2126, 0.0722),
        (replace(FILM, matrix="smpte170m"), 0.299, 0.114),
        (replace(FILM, matrix="bt470bg", full_range=True, pixel_format="yuvj420p"), 0.299, 0.114),
    ],
    ids=["bt709", "full range", "bt601", "bt601 full range"],
)
def test_other_matrices_and_ranges_end_as_true_bt709(film: Film, red: float, blue: float, tmp_path: Path) -> None:
    made = developed(coded(_PATCHES, red=red, blue=blue, bits=8, full=film.full_range), 6, film, tmp_path)
    y, u, v = ((made - [16, 128, 128]) / [219, 224, 224]).T
    r, b = y + 1.5748 * v, y + 1.8556 * u
    shown = np.stack([r, (y - 0.2126 * r - 0.0722 * b) / 0.7152, b], 1)
    assert np.abs(shown - _PATCHES).max() < 0.02


def test_other_primaries_are_converted_not_renamed(tmp_path: Path) -> None:
    """Display P3 red is a redder red: said in bt709 it needs less green than nothing, and is clipped there."""
    p3 = replace(FILM, primaries="smpte432")
    patches = np.array([(0.7, 0.5, 0.4), (0.3, 0.6, 0.3), (0.5, 0.5, 0.5)])
    made = seen(developed(coded(patches, red=0.2126, blue=0.0722, bits=8), 3, p3, tmp_path))
    to_709 = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
    wanted = patches**2.4 @ to_709.T
    assert np.abs(made - np.clip(wanted, 0, 1)).max() < 0.01
