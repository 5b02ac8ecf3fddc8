"""How a rendition is encoded: the options that `transcode` gives to the engine for each of its outputs.

H.264 comes from x264, or from the encoder of a graphics card where the plan says so; AV1 from SVT-AV1. Whichever it is,
key frames lie where the plan says and nowhere else, and the options depend on the plan alone: chunks made anywhere have
one and the same init segment.
"""

from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import ffmpeg

from pipeline import engine
from pipeline.errors import EngineFailed
from pipeline.plan import Chunk, Codec, FilmPlan, Rendition
from pipeline.presets import Encoder
from pipeline.sound import OFFSET

CLOCK = 90_000  # ticks/s of a made film's pictures: exact for every usual rate


def encoding(one: Rendition, plan: FilmPlan, chunk: Chunk) -> dict[str, Any]:
    """Output options of one rendition."""
    return {
        **_picture(one, plan),
        # Frames come out when they came in: no doubling, no dropping.
        "fps_mode": "passthrough",
        "enc_time_base": f"1:{CLOCK}",
        # Key frames where the plan says and nowhere else, the same in all renditions; 5 ms early for rounding.
        "force_key_frames": ",".join(f"{key + OFFSET - 0.005:.6f}" for key in chunk.keys),
        "acodec": "copy",
        **_file(),
    }


def _picture(one: Rendition, plan: FilmPlan) -> dict[str, Any]:
    if one.codec is Codec.AV1:
        return _av1(one, plan)
    return _x264(one, plan) if plan.encoder is Encoder.X264 else _card(one, plan.encoder, plan.crf, level(one, plan))


def _x264(one: Rendition, plan: FilmPlan) -> dict[str, Any]:
    return {
        "vcodec": "libx264",
        "preset": plan.speed,
        "x264-params": plan.tuning,
        "crf": plan.crf,
        "maxrate": one.maxrate,
        "bufsize": one.bufsize,
        "profile:v": "high",
        # From the size and rate alone: the encoder's own choice may differ between chunks, and so their init segments.
        "level": level(one, plan),
        "pix_fmt": "yuv420p",
        "threads": plan.threads,
        "forced-idr": 1,
        "g": 100_000,
        "sc_threshold": 0,
        # x264 writes its settings into the film; nobody plays them.
        "bsf:v": "filter_units=remove_types=6",
    }


def _av1(one: Rendition, plan: FilmPlan) -> dict[str, Any]:
    assert plan.av1 is not None
    # Without the rate the encoder would take the clock's ticks for frames and refuse.
    rate = max(Fraction(1), plan.rate.limit_denominator(1001))
    settings = {
        "fps-num": rate.numerator,
        "fps-denom": rate.denominator,
        # As for H.264: not the encoder's own choice.
        "level": av1_level(one, plan).replace(".", ""),
        # A key frame at a scene's change would have no counterpart in the other renditions.
        "scd": 0,
        # Chunks are the parallelism.
        "lp": plan.threads,
    }
    return {
        "vcodec": "libsvtav1",
        "preset": plan.av1.speed,
        "crf": plan.av1.crf,
        "maxrate": one.maxrate,
        "bufsize": one.bufsize,
        "svtav1-params": ":".join(f"{key}={value}" for key, value in settings.items()),
        "pix_fmt": "yuv420p",
        "g": 100_000,
    }


def _card(one: Rendition, encoder: Encoder, crf: int, at: str) -> dict[str, Any]:
    """H.264 from a graphics card. None was at hand: written from the engine's documentation, held by `proof`."""
    common = {
        "maxrate": one.maxrate,
        "bufsize": one.bufsize,
        "profile:v": "high",
        # In tenths: the one form that all three know.
        "level": at.replace(".", ""),
        # Not every driver makes them.
        "bf": 0,
        # The largest distance that fits into 16 bits, as in Quick Sync's own structure.
        "g": 65_535,
        "bsf:v": "filter_units=remove_types=6",
    }
    # Quick Sync and VAAPI have no constant quality below a cap on every driver: two thirds of the peak on average.
    average = one.maxrate * 2 // 3
    match encoder:
        case Encoder.NVENC:
            quality = {"rc": "vbr", "cq": crf, "b:v": 0, "preset": "p5", "forced-idr": 1, "no-scenecut": 1}
            return {"vcodec": "h264_nvenc", "pix_fmt": "yuv420p", **quality, **common}
        case Encoder.QSV:
            quality = {"b:v": average, "preset": "medium", "forced_idr": 1, "adaptive_i": 0}
            return {"vcodec": "h264_qsv", "pix_fmt": "nv12", **quality, **common}
        case Encoder.VAAPI:
            return {"vcodec": "h264_vaapi", "rc_mode": "VBR", "b:v": average, **common}
        case _:
            raise AssertionError(encoder)


def _file() -> dict[str, Any]:
    return {
        "f": "mp4",
        # One fragment per key frame, each on the film's clock. Not `cmaf`, which stores negative composition offsets:
        # ffmpeg reads those back shifted by the reorder delay, and so would every player built on it.
        "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_trailer",
        # Times are what they are; an edit list would shift each chunk by its own first frame.
        "use_editlist": 0,
        # Without an edit list the muxer would move each file's first decoding time to 0.
        "avoid_negative_ts": "disabled",
        "video_track_timescale": CLOCK,
        # "VideoHandler" is harmless, but a source may call its own so, and proof would not know whose it is.
        "empty_hdlr_name": 1,
        # No version of ours, no strings of the source, the same bytes on every machine.
        "fflags": "+bitexact",
        "flags:v": "+bitexact",
        "map_metadata": -1,
        "map_chapters": -1,
    }


# Source: ITU-T H.264, table A-1: macroblocks in a frame, macroblocks in a second.
LEVELS = {"3.0": (1620, 40_500), "3.1": (3600, 108_000), "4.0": (8192, 245_760), "4.2": (8704, 522_240)}
# Source: AV1 Bitstream & Decoding Process Specification, A.3: luma samples in a frame, longest width, longest height,
# luma samples in a second.
AV1_LEVELS = {
    "2.0": (147_456, 2048, 1152, 4_423_680),
    "2.1": (278_784, 2816, 1584, 8_363_520),
    "3.0": (665_856, 4352, 2448, 19_975_680),
    "3.1": (1_065_024, 5504, 3096, 31_950_720),
    "4.0": (2_359_296, 6144, 3456, 70_778_880),
    "4.1": (2_359_296, 6144, 3456, 141_557_760),
}


def level(one: Rendition, plan: FilmPlan) -> str:
    """The lowest usual H.264 level that holds a rendition."""
    blocks = ceil(one.width / 16) * ceil(one.height / 16)
    fitting = (name for name, (frame, second) in LEVELS.items() if blocks <= frame and blocks * plan.rate <= second)
    return next(fitting, "4.2")


def av1_level(one: Rendition, plan: FilmPlan) -> str:
    """The lowest AV1 level that holds a rendition."""
    size = one.width * one.height
    for name, (frame, width, height, second) in AV1_LEVELS.items():
        if size <= frame and one.width <= width and one.height <= height and size * plan.rate <= second:
            return name
    return "5.1"


def uploaded(node: Any, one: Rendition, plan: FilmPlan) -> Any:
    """The pictures where the rendition's encoder wants them: VAAPI takes them from the card's own memory."""
    if one.codec is Codec.H264 and plan.encoder is Encoder.VAAPI:
        return node.filter("format", "nv12").filter("hwupload")
    return node


def opened(encoder: Encoder) -> list[str]:
    """Arguments of the engine that come before all others: the card to work with.

    Raises: EngineFailed where VAAPI has none.
    """
    if encoder is not Encoder.VAAPI:
        return []
    if not (cards := sorted(Path("/dev/dri").glob("renderD*"))):
        raise EngineFailed("there is no /dev/dri/renderD*")
    return ["-vaapi_device", str(cards[0])]


def attempt(name: str) -> dict[str, Any]:
    """Encode half a second with a graphics card, with the options of a real rendition.

    Raises: EngineFailed with the engine's last words where that does not work on this machine.
    """
    encoder = Encoder(name)
    one = Rendition("trial", 320, 256, 800_000, 1_200_000)
    painted = ffmpeg.input("testsrc2=size=320x256:rate=30:duration=0.5", f="lavfi")["v"]
    if encoder is Encoder.VAAPI:
        painted = painted.filter("format", "nv12").filter("hwupload")
    node = painted.output("-", f="null", **_card(one, encoder, 23, "3.0"))
    engine.run([*opened(encoder), *engine.compiled(node)])
    return {"encoder": name}
