"""Every film ends upright, in square pixels, tagged, marked the same way, without what rode along."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import ffmpeg
import numpy as np
import pytest
from darkroom import FILM, HLG, first_frame
from painting import ffmpeg as run
from PIL import Image

from pipeline import picture
from pipeline.plan import WatermarkPlan
from pipeline.source import Fields

RULES = WatermarkPlan(0.3, 0.12, 0.03, 0.85)
# Red, green, blue and white, clockwise from the top left.
CORNERS = ";".join(f"color={name}:64x32[{name}]" for name in ("red", "lime", "white", "blue"))
CORNERS += ";[red][lime][white][blue]xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0"
SMALL = replace(FILM, coded_width=128, coded_height=64, width=128, height=64)


def _painted(path: Path, size: str = "128x64", graph: str = CORNERS, *extra: object) -> Path:
    sized = f"{graph},scale={size.replace('x', ':')}:out_color_matrix=bt709,format=yuv420p"
    run("-f", "lavfi", "-i", sized, "-frames:v", 2, *extra, "-c:v", "ffv1", path)
    return path


def _corners(rgb: np.ndarray) -> str:
    high, wide = rgb.shape[0], rgb.shape[1]
    at = [
        (high // 4, wide // 4),
        (high // 4, wide * 3 // 4),
        (high * 3 // 4, wide * 3 // 4),
        (high * 3 // 4, wide // 4),
    ]
    names = {(1, 0, 0): "R", (0, 1, 0): "G", (0, 0, 1): "B", (1, 1, 1): "W"}
    return "".join(names[tuple(int(value > 128) for value in rgb[y, x])] for y, x in at)


@pytest.mark.parametrize(
    ("mirrored", "rotation", "shown"),
    [
        (False, 0, "RGBW"),
        (False, 90, "WRGB"),
        (False, 180, "BWRG"),
        (False, 270, "GBWR"),
        (True, 0, "GRWB"),
        (True, 90, "BGRW"),
        (True, 180, "WBGR"),
        (True, 270, "RWBG"),
    ],
)
def test_every_turn_and_mirror_ends_upright(mirrored: bool, rotation: int, shown: str, tmp_path: Path) -> None:
    film = replace(SMALL, mirrored=mirrored, rotation=rotation)
    width, height = (64, 128) if rotation in (90, 270) else (128, 64)
    rgb = first_frame(_painted(tmp_path / "in.mkv"), film, width, height, tmp_path)
    assert _corners(rgb) == shown


def test_long_pixels_become_square_ones(tmp_path: Path) -> None:
    film = replace(SMALL, coded_width=96, sample_aspect=Fraction(4, 3))
    rgb = first_frame(_painted(tmp_path / "in.mkv", "96x64"), film, 128, 64, tmp_path)
    assert _corners(rgb) == "RGBW"
    assert rgb[:, 0].max() > 200  # no bars


def test_a_frame_of_another_shape_is_fitted_between_bars(tmp_path: Path) -> None:
    """A phone turned while recording."""
    rgb = first_frame(
        _painted(tmp_path / "in.mkv"), replace(SMALL, coded_width=64, coded_height=128), 64, 128, tmp_path
    )
    assert rgb[:44].max() < 8
    assert rgb[84:].max() < 8
    assert _corners(rgb[48:80]) == "RGBW"


def test_interlaced_pictures_lose_their_comb(tmp_path: Path) -> None:
    moving = "testsrc2=size=256x128:rate=50,tinterlace=mode=interleave_top"
    path = _painted(tmp_path / "in.mkv", "256x128:interl=1", moving, "-field_order", "tt")
    film = replace(FILM, coded_width=256, coded_height=128, width=256, height=128)
    combed, woven = (
        first_frame(path, replace(film, fields=fields), 256, 128, tmp_path)[..., 1]
        for fields in (Fields.PROGRESSIVE, Fields.TOP)
    )
    comb = [np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).mean() for rows in (combed, woven)]
    assert comb[1] < 0.8 * comb[0]


def test_what_comes_out_says_what_it_is_and_nothing_of_what_it_was(tmp_path: Path) -> None:
    source, made = tmp_path / "in.mkv", tmp_path / "out.mp4"
    tags = ["-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc", "-color_range", "tv"]
    light = "max-cll=1000,400:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    run("-f", "lavfi", "-i", "testsrc2=size=128x64:duration=0.2", "-pix_fmt", "yuv420p10le", "-c:v", "libx265", *tags,
        "-x265-params", f"log-level=none:{light}", source)  # fmt: skip
    film = replace(HLG, coded_width=128, coded_height=64, width=128, height=64)
    node = picture.steps(ffmpeg.input(str(source), noautorotate=None).video, film, width=128, height=64)
    run(*node.output(str(made), vcodec="libx264", preset="ultrafast").get_args())
    with av.open(str(made)) as file:
        context = file.streams.video[0].codec_context
        assert (context.pix_fmt, context.color_primaries, context.color_trc, context.colorspace) == ("yuv420p", 1, 1, 1)
        assert context.color_range == 1
        assert file.streams.video[0].sample_aspect_ratio in (None, 1)
        frame = next(file.decode(video=0))
        kinds = {str(data.type) for data in frame.side_data}
    assert not [kind for kind in kinds if "MASTERING" in kind or "LIGHT" in kind]


def test_the_mark_is_measured_by_the_short_edge() -> None:
    upright, lying = (picture.watermark_box(w, h, 500, 100, RULES) for w, h in ((1080, 1920), (1920, 1080)))
    assert upright[2:] == lying[2:] == (324, 64)
    assert upright[1] == lying[1] == 32
    assert 1080 - upright[0] - upright[2] == 1920 - lying[0] - lying[2] == 32
    tall = picture.watermark_box(1080, 1920, 100, 500, RULES)
    assert tall[3] <= 0.12 * 1080 + 1
    for width, height in ((2, 2), (176, 144), (64, 4000)):
        x, y, w, h = picture.watermark_box(width, height, 500, 100, RULES)
        assert x % 2 == y % 2 == w % 2 == h % 2 == 0
        assert x >= 0


@pytest.mark.parametrize("logo", [(255, 255, 255), (12, 12, 12)], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["0x101010", "0xf0f0f0"], ids=["on dark", "on light"])
def test_the_mark_can_be_read_on_light_and_on_dark(logo: tuple[int, int, int], ground: str, tmp_path: Path) -> None:
    drawn = Image.new("RGBA", (300, 100))
    for x in range(0, 300, 60):
        drawn.paste((*logo, 255), (x, 10, x + 30, 90))
    drawn.save(tmp_path / "logo.png")
    film = replace(FILM, coded_width=640, coded_height=360, width=640, height=360)
    mark = picture.watermark(tmp_path / "logo.png", 640, 360, RULES, tmp_path / "mark.png")
    path = _painted(tmp_path / "in.mkv", "640x360", f"color={ground}:640x360")
    rgb = first_frame(path, film, 640, 360, tmp_path, mark)
    x, y, w, h = picture.watermark_box(640, 360, 300, 100, RULES)
    inside = rgb[y : y + h, x : x + w, 1]
    assert inside.max() - inside.min() > 60
    outside = rgb.copy()
    outside[: y + h + 12, x - 12 :] = rgb[-1, 0]
    assert np.abs(outside - rgb[-1, 0]).max() <= 2


def test_the_mark_stays_on_every_frame(tmp_path: Path) -> None:
    Image.new("RGBA", (200, 100), (255, 0, 0, 255)).save(tmp_path / "logo.png")
    mark = picture.watermark(tmp_path / "logo.png", 320, 180, RULES, tmp_path / "mark.png")
    film = replace(FILM, coded_width=320, coded_height=180, width=320, height=180)
    run("-f", "lavfi", "-i", "color=black:320x180:duration=1", "-c:v", "ffv1", tmp_path / "in.mkv")
    node = ffmpeg.input(str(tmp_path / "in.mkv")).video
    node = picture.steps(node, film, width=320, height=180, watermark=mark).filter("scale", in_color_matrix="bt709")
    run(*node.output(str(tmp_path / "out.rgb"), f="rawvideo", pix_fmt="rgb24").get_args())
    frames = np.frombuffer((tmp_path / "out.rgb").read_bytes(), np.uint8).reshape(-1, 180, 320, 3)
    x, y, w, h = picture.watermark_box(320, 180, 200, 100, RULES)
    spots = frames[:, y + h // 2, x + w // 2].astype(int)
    assert len(frames) == 25
    assert np.abs(spots - spots[0]).max() <= 2
    # The dealer's red, 85 % of it, through a bt709 overlay.
    assert np.abs(spots[0] - [217, 0, 0]).max() < 12


def test_the_mark_stays_when_the_phone_is_turned_while_filming(tmp_path: Path) -> None:
    Image.new("RGBA", (200, 100), (220, 20, 20, 255)).save(tmp_path / "logo.png")
    mark = picture.watermark(tmp_path / "logo.png", 180, 320, RULES, tmp_path / "mark.png")
    shots = []
    for number, size in enumerate(("180x320", "320x180")):
        shot = tmp_path / f"{number}.ts"
        source = f"color=0x606060:s={size}:r=10:d=1"
        run("-f", "lavfi", "-i", source, "-c:v", "libx264", "-output_ts_offset", number, "-f", "mpegts", shot)
        shots.append(shot.read_bytes())
    turned = tmp_path / "turned.ts"
    turned.write_bytes(b"".join(shots))
    node = ffmpeg.input(str(turned), f="mpegts", noautorotate=None, copyts=None)
    film = replace(FILM, width=180, height=320)
    node = picture.steps(node, film, width=180, height=320, watermark=mark).filter("scale", in_color_matrix="bt709")
    raw = tmp_path / "frames.rgb"
    run(*ffmpeg.output(node, str(raw), f="rawvideo", pix_fmt="rgb24", fps_mode="passthrough").get_args())
    frames = np.frombuffer(raw.read_bytes(), np.uint8).reshape(-1, 320, 180, 3).astype(int)
    assert len(frames) == 20
    x, y, w, h = picture.watermark_box(180, 320, 200, 100, RULES)
    red = [frame[y + h // 2, x + w // 2] for frame in frames]
    assert all(r > 150 and g < 90 for r, g, _ in red)


def test_the_ladder_has_one_stream_per_size(tmp_path: Path) -> None:
    node = ffmpeg.input(str(_painted(tmp_path / "in.mkv"))).video
    sizes = [(128, 64), (64, 32), (32, 16)]
    made = picture.ladder(picture.steps(node, SMALL, width=128, height=64), sizes)
    outs = [one.output(str(tmp_path / f"{n}.rgb"), f="rawvideo", pix_fmt="rgb24") for n, one in enumerate(made)]
    run(*ffmpeg.merge_outputs(*outs).get_args())
    for n, (width, height) in enumerate(sizes):
        data = np.frombuffer((tmp_path / f"{n}.rgb").read_bytes(), np.uint8)
        assert _corners(data.reshape(-1, height, width, 3)[0].astype(int)) == "RGBW"
