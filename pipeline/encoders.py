"""How a rendition is encoded: the options that `transcode` gives to the engine for each of its outputs."""

from math import ceil
from typing import Any

from pipeline.plan import Chunk, FilmPlan, Rendition
from pipeline.sound import OFFSET

CLOCK = 90_000  # ticks/s of a made film's pictures: exact for every usual rate


def encoding(one: Rendition, plan: FilmPlan, chunk: Chunk) -> dict[str, Any]:
    """Output options of one rendition."""
    return {
        "f": "mp4",
        "vcodec": "libx264",
        "preset": plan.speed,
        "crf": plan.crf,
        "maxrate": one.maxrate,
        "bufsize": one.bufsize,
        "profile:v": "high",
        # From the size and rate alone: the encoder's own choice may differ between chunks, and so their init segments.
        "level": level(one, plan),
        "pix_fmt": "yuv420p",
        "threads": plan.threads,
        # Frames come out when they came in: no doubling, no dropping.
        "fps_mode": "passthrough",
        "enc_time_base": f"1:{CLOCK}",
        # IDR frames where the plan says and nowhere else, the same in all renditions; 5 ms early for rounding.
        "force_key_frames": ",".join(f"{key + OFFSET - 0.005:.6f}" for key in chunk.keys),
        "forced-idr": 1,
        "g": 100_000,
        "sc_threshold": 0,
        "acodec": "copy",
        # x264 writes its settings into the film; nobody plays them.
        "bsf:v": "filter_units=remove_types=6",
        # One fragment per IDR frame, each on the film's clock. Not `cmaf`, which stores negative composition offsets:
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


def level(one: Rendition, plan: FilmPlan) -> str:
    """The lowest usual H.264 level that holds a rendition."""
    blocks = ceil(one.width / 16) * ceil(one.height / 16)
    fitting = (name for name, (frame, second) in LEVELS.items() if blocks <= frame and blocks * plan.rate <= second)
    return next(fitting, "4.2")
