"""A real film in the shape the craft records it: fMP4 segments on one clock, and the facts of each chunk.

Made with the bundled ffmpeg and measured with PyAV, so that the shop's tests play true media without waiting for the
crew: `reel(folder)` returns the chunks in order, each with its facts and its files' bytes.
"""

import io
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import imageio_ffmpeg

SEGMENT_S = 2


@dataclass(frozen=True)
class Chunk:
    facts: dict[str, Any]
    files: dict[str, bytes]

    @property
    def name(self) -> str:
        return f"chunk/{self.facts['chunk']:04d}"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """`Output.files`."""
        return [{"path": path, "bytes": len(data), "content_type": _type(path)} for path, data in self.files.items()]


@cache
def reel(seconds: int = 6, short_edges: tuple[int, ...] = (180, 270), portrait: bool = True) -> tuple[Chunk, ...]:
    """A painted film of `seconds` s, with a tone, one chunk of 2 s after the other."""
    renditions = [_rendition(f"{edge}p", edge, seconds, portrait) for edge in short_edges]
    return tuple(_chunk(number, renditions) for number in range(seconds // SEGMENT_S))


def ffmpeg(*args: str) -> None:
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *args], check=True, capture_output=True
    )


@cache
def picture(width: int, height: int, kind: str = "jpg") -> bytes:
    """One painted frame as JPEG or WebP."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"frame.{kind}"
        ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={width}x{height}", "-frames:v", "1", str(path))
        return path.read_bytes()


def _rendition(name: str, edge: int, seconds: int, portrait: bool) -> dict[str, Any]:
    long_edge = edge * 16 // 9 // 2 * 2
    width, height = (edge, long_edge) if portrait else (long_edge, edge)
    with TemporaryDirectory() as folder:
        out = Path(folder)
        ffmpeg(
            *("-f", "lavfi", "-i", f"testsrc2=s={width}x{height}:r=30:d={seconds}"),
            *("-f", "lavfi", "-i", f"sine=440:r=48000:d={seconds}"),
            *("-c:v", "libx264", "-preset", "superfast", "-profile:v", "high", "-pix_fmt", "yuv420p"),
            *("-g", str(30 * SEGMENT_S), "-c:a", "aac", "-b:a", "64k", "-ac", "2", "-shortest"),
            *("-f", "hls", "-hls_time", str(SEGMENT_S), "-hls_segment_type", "fmp4", "-hls_playlist_type", "vod"),
            *("-hls_fmp4_init_filename", f"{name}-init.mp4", "-hls_segment_filename", str(out / f"{name}-%03d.m4s")),
            str(out / "made.m3u8"),
        )
        init = (out / f"{name}-init.mp4").read_bytes()
        segments = [path.read_bytes() for path in sorted(out.glob("*.m4s"))]
    return {"name": name, "width": width, "height": height, "init": init, "segments": segments}


def _chunk(number: int, renditions: list[dict[str, Any]]) -> Chunk:
    files: dict[str, bytes] = {}
    facts: list[dict[str, Any]] = []
    start = float(number * SEGMENT_S)
    for made in renditions:
        name, init, data = made["name"], made["init"], made["segments"][number]
        path = f"{name}-{number:03d}.m4s"
        files |= {f"{name}-init.mp4": init, path: data}
        key_frame = {"offset": 0, "length": _key_frame_end(init, data), "start": start, "duration": float(SEGMENT_S)}
        segment = {"path": path, "start": start, "duration": float(SEGMENT_S), "bytes": len(data)}
        facts.append(
            {
                "name": name,
                "init": f"{name}-init.mp4",
                "codecs": _codecs(init),
                "width": made["width"],
                "height": made["height"],
                "rate": "30/1",
                "bytes": len(data),
                "segments": [segment | {"iframes": [key_frame]}],
            }
        )
    return Chunk(
        {
            "chunk": number,
            "start": start,
            "duration": float(SEGMENT_S),
            "frames": 30 * SEGMENT_S,
            "renditions": facts,
        },
        files,
    )


def _codecs(init: bytes) -> str:
    place = init.index(b"avcC") + 5  # after the version byte: profile, constraints, level
    return f"avc1.{init[place : place + 3].hex()},mp4a.40.2"


def _key_frame_end(init: bytes, segment: bytes) -> int:
    with av.open(io.BytesIO(init + segment)) as container:
        packet = next(container.demux(video=0))
        assert packet.is_keyframe
        assert packet.pos is not None
        return packet.pos + packet.size - len(init)


def _type(path: str) -> str:
    return {"mp4": "video/mp4", "m4s": "video/iso.segment"}[path.rsplit(".", 1)[1]]
