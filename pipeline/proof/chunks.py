"""The proof of a chunk: every rendition opened as a player would open it.

All renditions are read packet by packet; only the smallest of each codec is decoded whole, of the others the first
picture of each segment. One decode feeds all encoders, so a wrong picture (turned, washed out, missing) is wrong in all
of them and seen in the smallest, which costs about a tenth of the largest; a fault of one encoder shows in its packets:
number, times, key frames, sizes.
"""

import io
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from pipeline.cut import Chunk
from pipeline.errors import ProofFailed
from pipeline.plan import Codec, FilmPlan, Hear, Rendition, WatermarkPlan
from pipeline.privacy import boxes
from pipeline.proof import picture
from pipeline.proof.expect import clean, expect, same
from pipeline.source import Source
from pipeline.transcode import OFFSET

TICK = 0.002  # s: two ticks of a millisecond clock, above any rounding and below half of any frame
SYNC = 0.040  # s: sound ahead of or behind its picture. Source: ITU-R BT.1359, detectability from about 45 ms
# Codec and profile, the highest level, and the units that a picture needs. Not among these: in H.264 6, supplemental
# information, in AV1 5, metadata, where encoders and cameras write about themselves. Source: ITU-T H.264, table 7-1:
# slices, IDR, parameter sets, delimiters; AV1 specification, 6.2.2 and A.3: headers, tiles, frames; 9 is level 4.1.
_CODECS = {
    Codec.H264: (("h264", "High"), 42, {1, 5, 7, 8, 9}),
    Codec.AV1: (("av1", "Main"), 9, {1, 3, 4, 6}),
}
_UPRIGHT = b"".join(value.to_bytes(4, "big") for value in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000))


def chunk(
    out: Path,
    made: dict[str, Any],
    plan: FilmPlan,
    planned: Chunk,
    source: Source,
    path: Path,
    mark: WatermarkPlan | None = None,
) -> dict[str, Any]:
    """Prove what `transcode.make` left in `out`; `made` is its `{"files", "facts"}`, `path` the film it was made of, or
    the bytes of it that it needed, `mark` the place of the dealer's logo. Returns the facts, with what was measured
    beside them: `sync` (s, how far the sound begins from where it should), `checked` (frames decoded) and `witness`
    (what `picture.compare` found; None: the source gives no picture to compare).

    Raises: ProofFailed.
    """
    facts = made["facts"]
    for file in made["files"]:
        written = out / file["path"]
        same(f"size of {written.name}", written.stat().st_size, file["bytes"])
        clean(written, file["content_type"], source.private)
    same("renditions", [one["name"] for one in facts["renditions"]], [one.name for one in plan.renditions])
    by_size = sorted(plan.renditions, key=lambda one: -one.width * one.height)
    smallest = {one.codec: one for one in by_size}
    times: list[int] = []
    sync, checked = 0.0, 0
    original = picture.original(path, source, plan, planned)
    witness: dict[str, float | None] | None = None
    for rendition, told in zip(plan.renditions, facts["renditions"], strict=True):
        with closing(_Rendition(out, told, rendition)) as found:
            found.prove_headers(plan)
            found.prove_segments(planned)
            found.prove_pictures(planned)
            if plan.sound is not None:
                sync = max(sync, found.prove_sound(plan, planned, source))
            # The same frames at the same times, or a change of quality would jump.
            same(f"times of {rendition.name}", found.times, times or found.times)
            times = found.times
            checked += found.decode(whole=rendition is smallest[rendition.codec])
            if original is not None and rendition is smallest[rendition.codec]:
                assert found.first is not None
                witness = picture.compare(original, found.first, rendition.name, mark)
    return {**facts, "sync": round(sync, 4), "checked": checked, "witness": witness}


class _Rendition:
    """One rendition of the chunk, in memory and open, while it is looked at from all sides."""

    def __init__(self, out: Path, told: dict[str, Any], decided: Rendition) -> None:
        self.told, self.decided, self.name = told, decided, decided.name
        self.codec, self.highest, self.units = _CODECS[decided.codec]
        self.init = out / told["init"]
        self.segments = [(out / segment["path"]).read_bytes() for segment in told["segments"]]
        self.pictures: list[Any] = []
        self.sounds: list[Any] = []
        self.first: av.VideoFrame | None = None  # as displayed
        whole = io.BytesIO(self.init.read_bytes() + b"".join(self.segments))
        try:
            # Once: finding out what the streams are costs as much as decoding a picture.
            self.container = av.open(whole, "r", format="mov", metadata_errors="ignore")
            for packet in self.container.demux():
                if packet.size and packet.pts is not None:
                    (self.pictures if packet.stream.type == "video" else self.sounds).append(packet)
        except FFmpegError as error:
            raise ProofFailed(f"{self.name} does not open: {error}") from error
        expect(bool(self.pictures), f"pictures of {self.name}", 0, "at least 1")
        self.base = Fraction(self.pictures[0].time_base)
        self.times = sorted(packet.pts for packet in self.pictures if packet.pts is not None)

    def close(self) -> None:
        self.container.close()

    def _at(self, pts: int) -> float:
        """Seconds on the film's clock."""
        return float(pts * self.base - OFFSET)

    def prove_headers(self, plan: FilmPlan) -> None:
        """Codecs, size, shape, colours, and no turn left to the player."""
        streams = self.container.streams
        same(f"streams of {self.name}", [one.type for one in streams], ["video", "audio"] if plan.sound else ["video"])
        picture = streams.video[0]
        context = picture.codec_context
        same("codec", (context.codec.canonical_name, context.profile), self.codec)
        expect(context.level <= self.highest, "level", context.level, self.highest)
        same("size", (context.width, context.height), (self.decided.width, self.decided.height))
        same("pixel format", context.pix_fmt, "yuv420p")
        expect(picture.sample_aspect_ratio in (None, 1), "pixel shape", picture.sample_aspect_ratio, "1")
        # 1 is limited range, and bt709 three times. Source: ISO/IEC 23091-2.
        colours = (context.color_range, context.color_primaries, context.color_trc, context.colorspace)
        same("range, primaries, transfer, matrix", tuple(int(value) for value in colours), (1, 1, 1, 1))
        if plan.sound is not None:
            sound = streams.audio[0].codec_context
            same("sound", (sound.name, sound.profile, sound.sample_rate), ("aac", "LC", plan.sound.rate))
            same("channels", sound.channels, plan.sound.channels)
        for box in boxes.walk(self.init):
            if box.type == b"tkhd":
                data = boxes.content(self.init, box, 100)
                matrix = data[52:88] if data[0] else data[40:76]
                expect(matrix == _UPRIGHT, "display matrix", matrix.hex(), "none")

    def prove_segments(self, planned: Chunk) -> None:
        """As many as planned, each beginning with a key frame, and I-frames where the facts say they lie."""
        same("segments", [one["start"] for one in self.told["segments"]], list(planned.cuts))
        for data, told in zip(self.segments, self.told["segments"], strict=True):
            same(f"size of {told['path']}", told["bytes"], len(data))
            expect(bool(told["iframes"]), f"I-frames of {told['path']}", 0, "at least 1")
            same(f"first I-frame of {told['path']}", told["iframes"][0]["offset"], 0)
            for iframe in told["iframes"]:
                end = iframe["offset"] + iframe["length"]
                expect(end <= len(data), f"end of an I-frame of {told['path']}", end, len(data))
                same("start of an I-frame", data[iframe["offset"] + 4 : iframe["offset"] + 8], b"moof")

    def prove_pictures(self, planned: Chunk) -> None:
        """Number and times as planned, key frames where planned, and nothing but pictures in the packets."""
        same(f"frames of {self.name}", len(self.times), planned.frames)
        expect(len(set(self.times)) == len(self.times), "frames with a time of their own", len(set(self.times)), "all")
        first, last = self._at(self.times[0]), self._at(self.times[-1])
        expect(abs(first - planned.start) <= TICK, "start", f"{first:.4f} s", f"{planned.start:.4f} s")
        end = planned.start + planned.duration
        expect(last < end + TICK, "last frame", f"{last:.4f} s", f"before {end:.4f} s")
        keys = sorted(self._at(packet.pts) for packet in self.pictures if packet.is_keyframe and packet.pts is not None)
        near = len(keys) == len(planned.keys) and all(
            abs(key - at) <= TICK for key, at in zip(keys, planned.keys, strict=True)
        )
        expect(near, "key frames", [f"{key:.3f}" for key in keys], [f"{key:.3f}" for key in planned.keys])
        units = _units if self.decided.codec is Codec.H264 else _obus
        strange = {unit for packet in self.pictures for unit in units(bytes(packet))} - self.units
        same("units beside the pictures", strange, set())

    def prove_sound(self, plan: FilmPlan, planned: Chunk, source: Source) -> float:
        """No hole inside the chunk, and begins and ends with it; returns the distance from its right place, s."""
        assert source.sound is not None
        assert plan.sound is not None
        begin, end = planned.start, planned.start + planned.duration
        if plan.sound.hear is Hear.COPY:
            # The source's own packets: they may begin later and end earlier than the picture, as they did there.
            origin = float(plan.origin * plan.time_base)
            begin, end = max(begin, source.sound.start - origin), min(end, source.sound.end - origin)
        if not self.sounds:
            expect(end - begin < SYNC, "sound of this chunk", "0 s", f"{end - begin:.3f} s")
            return 0.0
        base = Fraction(self.sounds[0].time_base)
        times = [(float(one.pts * base - OFFSET), float((one.duration or 0) * base)) for one in self.sounds]
        packet = 1024 / plan.sound.rate
        late = times[0][0] - begin
        # A packet that begins in the chunk belongs to it, so the first is up to one packet late by construction.
        expect(-TICK - SYNC < late < packet + SYNC, "sound's start", f"{times[0][0]:.4f} s", f"{begin:.4f} s ± 40 ms")
        for (at, length), (after, _) in pairwise(times):
            expect(abs(at + length - after) < SYNC, "sound's next packet", f"{after:.4f} s", f"{at + length:.4f} s")
        stop = sum(times[-1])
        expect(stop > end - packet - SYNC, "sound's end", f"{stop:.4f} s", f"{end:.4f} s")
        expect(stop < end + packet + SYNC, "sound's end", f"{stop:.4f} s", f"{end:.4f} s")
        return max(0.0, late - packet, -late)

    def decode(self, *, whole: bool) -> int:
        """Decode every picture, or one per key frame; how many came out."""
        count = 0
        context = self.container.streams.video[0].codec_context
        # A player would paint over broken slices; the witness says so.
        context.options = {"err_detect": "explode"}
        asked = [packet for packet in self.pictures if whole or packet.is_keyframe]
        try:
            for packet in (*asked, None):
                for frame in context.decode(packet):
                    self.first = self.first or frame
                    count += 1
                    same("picture", (frame.width, frame.height), (self.decided.width, self.decided.height))
                    same("picture's format", frame.format.name, "yuv420p")
                    expect(not frame.rotation, "picture's rotation", frame.rotation, 0)
                    expect(not frame.interlaced_frame, "picture's fields", "interlaced", "progressive")
        except FFmpegError as error:
            raise ProofFailed(f"{self.name}: picture {count} does not decode: {error}") from error
        same(f"decoded pictures of {self.name}", count, len(asked))
        return count


def _units(packet: bytes) -> Iterator[int]:
    """The types of the units in a packet: each has its length, 4 bytes, before it."""
    at = 0
    while at + 5 <= len(packet):
        yield packet[at + 4] & 0x1F
        at += 4 + int.from_bytes(packet[at : at + 4], "big")


def _obus(packet: bytes) -> Iterator[int]:
    """The types of the units in a packet of AV1: each with its length, in groups of seven bits, behind its first byte.

    Source: AV1 specification, 5.3.2 and 4.10.5.
    """
    at = 0
    while at < len(packet):
        yield packet[at] >> 3 & 0x0F
        head = 2 if packet[at] & 0x04 else 1
        if not packet[at] & 0x02:
            return  # without a length it is the last
        at += head
        size = shift = 0
        while at < len(packet):
            size |= (packet[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not packet[at - 1] & 0x80:
                break
        at += size
