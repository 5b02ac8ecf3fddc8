"""The proof of still pictures and of the short moving one: they open, are as large as decided, and show something."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from PIL import Image, ImageStat, UnidentifiedImageError

from pipeline.errors import ProofFailed
from pipeline.plan import PhotoPlan, WatermarkPlan
from pipeline.proof.expect import clean, expect, same
from pipeline.source import Source

FORMATS = {"image/jpeg": "JPEG", "image/webp": "WEBP", "image/png": "PNG"}
DEMUXERS = {"image/jpeg": "jpeg_pipe", "image/webp": "webp_pipe", "image/png": "png_pipe"}
BLACK = 4.0  # of 255: mean brightness below which nothing can be seen
ALIKE = 12.0  # of 255: how far two sizes of one photo may be apart in mean brightness


def still(
    path: Path,
    content_type: str,
    size: tuple[int, int],
    private: Collection[str],
    *,
    frames: int = 1,
    dark: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Prove a poster, a storyboard or a preview of `size` px with at least `frames` frames.

    `dark` is asked only if the picture is black: whether the source is black there too. Returns `width`, `height`,
    `bytes`, `frames` and `brightness` (0 to 255) as measured.

    Raises: ProofFailed.
    """
    clean(path, content_type, private)
    count = 1
    if content_type == "image/jpeg":
        brightness = _brightness(_decoded(path, content_type, size))
    else:
        count, brightness = _moving(path, content_type, size)
    expect(count >= frames, f"frames of {path.name}", count, f"at least {frames}")
    _not_black(path, brightness, dark)
    return {
        "width": size[0],
        "height": size[1],
        "bytes": path.stat().st_size,
        "frames": count,
        "brightness": round(brightness, 1),
    }


def sizes(
    out: Path,
    made: dict[str, Any],
    plan: PhotoPlan,
    source: Source,
    path: Path,
    stored: Image.Image,
    mark: WatermarkPlan | None = None,
    *,
    dark: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Prove the sizes of a photo, read by PyAV because Pillow made them; `path` is the photo, `stored` its pixels as
    `thumbnails.small` shrank them, `mark` the place of the dealer's logo. Returns the facts, with what was measured
    beside them: `witness`, the least that a size is like the photo and the most that one is lighter (see
    `thumbnails.compare`).

    Raises: ProofFailed; the leaves of MediaRejected where the photo does not open twice.
    """
    from pipeline.proof import thumbnails  # with what reads photos: a film's children do not load it

    assert source.photo is not None
    facts = made["facts"]
    decided = [size for size in plan.sizes for _ in ("webp", "jpeg")]
    same("sizes", [(one["width"], one["height"]) for one in facts["sizes"]], decided)
    same("files", sorted(one["path"] for one in made["files"]), sorted(one["path"] for one in facts["sizes"]))
    theirs = thumbnails.original(path, source.photo, stored)
    seen: list[float] = []
    alike: list[float] = []
    lighter: list[float] = []
    for one, file in zip(facts["sizes"], made["files"], strict=True):
        written = out / one["path"]
        same(f"bytes of {written.name}", written.stat().st_size, file["bytes"])
        clean(written, file["content_type"], source.private)
        frame = _decoded(written, file["content_type"], (one["width"], one["height"]))
        seen.append(_brightness(frame))
        _not_black(written, seen[-1], dark)
        expect(abs(seen[-1] - seen[0]) < ALIKE, f"brightness of {written.name}", f"{seen[-1]:.0f}", f"{seen[0]:.0f}")
        likeness, more = thumbnails.compare(theirs, frame, written.name, mark)
        alike += [] if likeness is None else [likeness]
        lighter.append(more)
    return {**facts, "witness": {"likeness": min(alike, default=None), "lighter": max(lighter, key=abs)}}


def _decoded(path: Path, content_type: str, size: tuple[int, int]) -> av.VideoFrame:
    try:
        with av.open(str(path), format=DEMUXERS[content_type]) as container:
            frames = [frame for packet in container.demux(video=0) for frame in packet.decode()]
            same(f"pictures in {path.name}", len(frames), 1)
            frame = frames[0]
            assert isinstance(frame, av.VideoFrame)
            same(f"size of {path.name}", (frame.width, frame.height), size)
            return frame
    except FFmpegError as error:
        raise ProofFailed(f"{path.name} does not decode: {error}") from error


def _brightness(frame: av.VideoFrame) -> float:
    return float(frame.reformat(format="gray").to_ndarray().mean())


def _moving(path: Path, content_type: str, size: tuple[int, int]) -> tuple[int, float]:
    """Frames and mean brightness of a picture that may move; PyAV's WebP decoder knows no animation, Pillow's does."""
    try:
        with Image.open(path, formats=(FORMATS[content_type],)) as image:
            same(f"size of {path.name}", image.size, size)
            count = int(getattr(image, "n_frames", 1))
            image.seek(count - 1)
            return count, float(ImageStat.Stat(image.convert("L")).mean[0])
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise ProofFailed(f"{path.name} does not open: {error}") from error


def _not_black(path: Path, brightness: float, dark: Callable[[], bool]) -> None:
    expect(brightness >= BLACK or dark(), f"brightness of {path.name}", f"{brightness:.1f}", f"at least {BLACK}")
