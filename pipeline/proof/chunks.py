"""The proof of a chunk: every rendition opened as a player would open it.

All renditions are read packet by packet; only the smallest of each codec is decoded whole, of the others the first
picture of each group. One decode feeds all encoders, so a wrong picture (turned, washed out, missing) is wrong in all
of them: the smallest, which costs about a tenth of the largest, is held against the source's own (`picture`). A fault
of one encoder shows in its packets: number, times, key frames, sizes.

Of the sound only times are measured: that it begins, goes on and ends where the film's clock wants it. That what is
heard there is of that moment of the source is not measured here; tests listen to painted films.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from fractions import Fraction
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from pipeline.cut import Chunk
from pipeline.errors import ProofFailed
from pipeline.plan import Codec, FilmPlan, Hear, Rendition, WatermarkPlan
from pipeline.privacy import boxes
from pipeline.proof import original, picture, units
from pipeline.proof.expect import clean, expect, same
from pipeline.proof.joined import Joined
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
    on_progress: Callable[[float], None] = lambda _: None,
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
    seen, wanted = count(1), max(1, planned.frames) * len(plan.renditions)

    def on_picture() -> None:
        # The one chunk of a long film is proved for minutes: a child that is silent for so long is stopped.
        on_progress(next(seen) / wanted)

    theirs = original.find(path, source, plan, planned)
    witness: dict[str, float | None] | None = None
    for rendition, told in zip(plan.renditions, facts["renditions"], strict=True):
        with closing(_Rendition(out, told, rendition)) as found:
            found.prove_headers(plan)
            found.prove_segments(planned)
            checked += found.read(on_picture, whole=rendition is smallest[rendition.codec])
            found.prove_pictures(planned)
            if plan.sound is not None:
                sync = max(sync, found.prove_sound(plan, planned, source))
            # The same frames at the same times, or a change of quality would jump.
            same(f"times of {rendition.name}", found.times, times or found.times)
            times = found.times
            if theirs is not None and rendition is smallest[rendition.codec]:
                assert found.first is not None
                witness = picture.compare(theirs, found.first, rendition.name, mark)
    return {**facts, "sync": round(sync, 4), "checked": checked, "witness": witness}


class _Rendition:
    """One rendition of the chunk, while it is looked at from all sides; of its bytes only a little is in memory."""

    def __init__(self, out: Path, told: dict[str, Any], decided: Rendition) -> None:
        self.told, self.decided, self.name = told, decided, decided.name
        self.codec, self.highest, self.units = _CODECS[decided.codec]
        self.out, self.init = out, out / told["init"]
        self.times: list[int] = []  # of the pictures, as displayed; ticks of `base`
        self.keys: list[int] = []
        self.base = Fraction(1)
        self.sounds: list[tuple[float, float]] = []  # s: when a packet begins, how long it is
        self.first: av.VideoFrame | None = None  # as displayed
        self.file = Joined([self.init, *(out / segment["path"] for segment in told["segments"])])
        try:
            # Once: finding out what the streams are costs as much as decoding a picture.
            self.container = av.open(self.file, "r", format="mov", metadata_errors="ignore")
        except FFmpegError as error:
            self.file.close()
            raise ProofFailed(f"{self.name} does not open: {error}") from error

    def close(self) -> None:
        self.container.close()
        self.file.close()

    def read(self, on_picture: Callable[[], None], *, whole: bool) -> int:
        """Every packet once, as it lies in the file; decoded are all pictures, or one per key frame. How many."""
        decoded = asked = 0
        kinds = units.h264 if self.decided.codec is Codec.H264 else units.av1
        context = self.container.streams.video[0].codec_context
        # A player would paint over broken slices; the witness says so. Blocks are not smoothed, a fifth of decoding:
        # what is looked at is 32 px wide.
        context.options = {"err_detect": "explode", "skip_loop_filter": "all"}
        try:
            for packet in self.container.demux():
                if not packet.size or packet.pts is None:
                    continue
                if packet.stream.type != "video":
                    base = float(packet.time_base)
                    self.sounds.append((packet.pts * base - OFFSET, (packet.duration or 0) * base))
                    continue
                on_picture()
                self.base = Fraction(packet.time_base)
                self.times.append(packet.pts)
                self.keys += [packet.pts] if packet.is_keyframe else []
                same("units beside the pictures", set(kinds(bytes(packet))) - self.units, set())
                if whole or packet.is_keyframe:
                    asked += 1
                    decoded += self._seen(context.decode(packet))
            decoded += self._seen(context.decode(None))
        except FFmpegError as error:
            raise ProofFailed(f"{self.name}: picture {decoded} does not decode: {error}") from error
        expect(bool(self.times), f"pictures of {self.name}", 0, "at least 1")
        self.times.sort()
        same(f"decoded pictures of {self.name}", decoded, asked)
        return decoded

    def _seen(self, frames: Sequence[av.VideoFrame]) -> int:
        for frame in frames:
            self.first = self.first or frame
            same("picture", (frame.width, frame.height), (self.decided.width, self.decided.height))
            same("picture's format", frame.format.name, "yuv420p")
            expect(not frame.rotation, "picture's rotation", frame.rotation, 0)
            expect(not frame.interlaced_frame, "picture's fields", "interlaced", "progressive")
        return len(frames)

    def _at(self, pts: int) -> float:
        """Seconds on the film's clock."""
        return float(pts * self.base - OFFSET)

    def prove_headers(self, plan: FilmPlan) -> None:
        """Codecs, size, shape, colours, and no turn left to the player."""
        streams = self.container.streams
        same(f"streams of {self.name}", [one.type for one in streams], ["video", "audio"] if plan.sound else ["video"])
        video = streams.video[0]
        context = video.codec_context
        same("codec", (context.codec.canonical_name, context.profile), self.codec)
        expect(context.level <= self.highest, "level", context.level, self.highest)
        same("size", (context.width, context.height), (self.decided.width, self.decided.height))
        same("pixel format", context.pix_fmt, "yuv420p")
        expect(video.sample_aspect_ratio in (None, 1), "pixel shape", video.sample_aspect_ratio, "1")
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
        for told in self.told["segments"]:
            size = (self.out / told["path"]).stat().st_size
            same(f"size of {told['path']}", told["bytes"], size)
            expect(bool(told["iframes"]), f"I-frames of {told['path']}", 0, "at least 1")
            same(f"first I-frame of {told['path']}", told["iframes"][0]["offset"], 0)
            with (self.out / told["path"]).open("rb") as file:
                for iframe in told["iframes"]:
                    end = iframe["offset"] + iframe["length"]
                    expect(end <= size, f"end of an I-frame of {told['path']}", end, size)
                    file.seek(iframe["offset"] + 4)
                    same("start of an I-frame", file.read(4), b"moof")

    def prove_pictures(self, planned: Chunk) -> None:
        """Number and times as planned, key frames where planned."""
        same(f"frames of {self.name}", len(self.times), planned.frames)
        expect(len(set(self.times)) == len(self.times), "frames with a time of their own", len(set(self.times)), "all")
        first, last = self._at(self.times[0]), self._at(self.times[-1])
        expect(abs(first - planned.start) <= TICK, "start", f"{first:.4f} s", f"{planned.start:.4f} s")
        end = planned.start + planned.duration
        expect(last < end + TICK, "last frame", f"{last:.4f} s", f"before {end:.4f} s")
        keys = [self._at(key) for key in sorted(self.keys)]
        near = len(keys) == len(planned.keys) and all(
            abs(key - at) <= TICK for key, at in zip(keys, planned.keys, strict=True)
        )
        expect(near, "key frames", [f"{key:.3f}" for key in keys], [f"{key:.3f}" for key in planned.keys])

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
        times = self.sounds
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
