"""Multivariant and media playlist text from recorded facts.

A playlist is a view: it is written anew at every request from the facts of the chunks that exist now, and nothing
stored is ever rewritten. This room imports nothing of ours and touches no file, so a request may use it too.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

Facts = Mapping[str, Any]
Uri = Callable[[int, str], str]

# An EVENT playlist must keep its target duration (RFC 8216, 6.2.1) and the longest segment is unknown while the first
# is listed, so it starts at the 6 s that Apple's authoring specification (7.5) gives as the usual target.
TARGET_S = 6

# A player starts with the variant listed first, before it has measured anything: Apple's authoring specification
# (9.12) wants about 2 Mbit/s there.
FIRST_BITS = 2_000_000


def film(chunks: Sequence[Facts], finished: bool, uri: Uri) -> dict[str, str]:
    """All playlists of a film, by file name: `index.m3u8`, `NAME.m3u8` of each rendition, and `NAME-iframes.m3u8` of
    each in H.264: whoever plays another codec plays that one too, and scrubs by it.

    Only the contiguous run of chunks from number 0 is listed: a player that has read past a hole would never go back.
    While the film grows the media playlists are EVENT playlists, to which segments are only ever appended (RFC 8216,
    4.3.3.5); `finished` ones are VOD and end. Without chunk 0 nothing can be listed and the result is empty.

    `chunks` are facts of the craft in any order (times in s, sizes in bytes), of one chunk several where its renditions
    were made apart: until all of chunk 0 are here, those that are not are not listed. `uri(chunk, path)` names a file
    of a chunk as seen from the playlist.

    Raises: ValueError if a finished film has a hole, or if a chunk lacks a rendition that the first one holds.
    """
    numbers = {facts["chunk"] for facts in chunks}
    count = next(number for number in range(len(numbers) + 1) if number not in numbers)
    if finished and count != len(numbers):
        raise ValueError(f"chunk {count} is missing from a finished film of {len(numbers)} chunks")
    run = [joined([facts for facts in chunks if facts["chunk"] == number]) for number in range(count)]
    if not run:
        return {}
    for facts in run:
        for name in run[0]["renditions"]:
            if name not in facts["renditions"]:
                raise ValueError(f"chunk {facts['chunk']} does not hold the rendition {name}")

    variants = [_Variant(run, name, finished, uri) for name in run[0]["renditions"]]
    texts = {"index.m3u8": _multivariant(variants)}
    for variant in variants:
        texts[f"{variant.name}.m3u8"] = variant.media()
        if variant.iframes:
            texts[f"{variant.name}-iframes.m3u8"] = variant.iframes_only()
    return texts


def joined(pieces: Sequence[Facts]) -> Facts:
    """What is known of one chunk, its renditions by name, though they were made apart."""
    return {**pieces[0], "renditions": {one["name"]: one for piece in pieces for one in piece["renditions"]}}


class _Variant:
    """One rendition over the whole run. (RFC 8216 says *variant stream*; its *rendition* is something else.)"""

    def __init__(self, run: Sequence[Facts], name: str, finished: bool, uri: Uri) -> None:
        facts = run[0]["renditions"][name]
        self.name = name
        self.codecs: str = facts["codecs"]
        self.size = f"{facts['width']}x{facts['height']}"
        self.rate = Fraction(facts["rate"])
        self.finished = finished
        # Chunks of one film have one and the same init segment, so the first one's serves them all.
        self.init = uri(run[0]["chunk"], facts["init"])
        self.segments: list[tuple[str, Facts]] = [
            (uri(chunk["chunk"], segment["path"]), segment)
            for chunk in run
            for segment in chunk["renditions"][name]["segments"]
        ]
        self.iframes: list[tuple[str, Facts]] = [
            (name, frame)
            for name, segment in self.segments
            for frame in (segment.get("iframes", ()) if self.common() else ())
        ]

    def media(self) -> str:
        """The media playlist: every segment with its exact duration."""
        target = _target([segment["duration"] for _, segment in self.segments])
        # To a player a list without an end is a broadcast, which Safari joins near its end; this film begins at its
        # beginning (RFC 8216, 4.3.5.2). In the media playlists, since not all players read it in the multivariant one.
        lines = self._head(target) if self.finished else self._head(target, "#EXT-X-START:TIME-OFFSET=0")
        for name, segment in self.segments:
            lines += [f"#EXTINF:{segment['duration']:.6f},", name]
        return self._close(lines)

    def iframes_only(self) -> str:
        """The I-frame playlist: byte ranges of key frames, for scrubbing (RFC 8216, 4.3.3.6).

        An I-frame lasts until the next one, so that the durations add up to the film's.
        """
        target = _target([frame["duration"] for _, frame in self.iframes])
        lines = self._head(target, "#EXT-X-I-FRAMES-ONLY")
        for name, frame in self.iframes:
            lines += [
                f"#EXTINF:{frame['duration']:.6f},",
                f"#EXT-X-BYTERANGE:{frame['length']}@{frame['offset']}",
                name,
            ]
        return self._close(lines)

    def peak(self) -> int:
        """The peak segment bit rate, bit/s."""
        return _peak([(segment["bytes"], segment["duration"]) for _, segment in self.segments])

    def average(self) -> int:
        """The mean bit rate over the whole run, bit/s."""
        return _rate([(segment["bytes"], segment["duration"]) for _, segment in self.segments])

    def iframe_peak(self) -> int:
        """The peak bit rate of the I-frame playlist, bit/s."""
        return _peak([(frame["length"], frame["duration"]) for _, frame in self.iframes])

    def common(self) -> bool:
        """Whether every player can play it: H.264."""
        return self.video_codec().startswith("avc1")

    def video_codec(self) -> str:
        """The CODECS of the picture alone: an I-frame playlist carries no sound."""
        return next(codec for codec in self.codecs.split(",") if not codec.startswith("mp4a"))

    def _head(self, target: int, *more: str) -> list[str]:
        return [
            "#EXTM3U",
            # EXT-X-MAP outside I-frame playlists needs version 6, fMP4 as media segments 7 (RFC 8216, 3.3 and 7).
            "#EXT-X-VERSION:7",
            f"#EXT-X-TARGETDURATION:{target}",
            f"#EXT-X-PLAYLIST-TYPE:{'VOD' if self.finished else 'EVENT'}",
            "#EXT-X-INDEPENDENT-SEGMENTS",
            *more,
            f'#EXT-X-MAP:URI="{self.init}"',
        ]

    def _close(self, lines: list[str]) -> str:
        return "\n".join([*lines, "#EXT-X-ENDLIST", ""] if self.finished else [*lines, ""])


def _multivariant(variants: Sequence[_Variant]) -> str:
    """The list of variants (RFC 8216, 4.3.4): the one to start with first, the others from the best down.

    H.264 comes before what only some players know; they pass over a codec that they do not (RFC 8216, 4.3.4.2).
    """
    ranked = sorted(variants, key=lambda variant: (variant.common(), variant.peak()), reverse=True)
    common = [variant for variant in ranked if variant.common()] or ranked
    first = next((variant for variant in common if variant.average() <= FIRST_BITS), common[-1])
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for variant in [first, *(variant for variant in ranked if variant is not first)]:
        lines += [
            f"#EXT-X-STREAM-INF:BANDWIDTH={variant.peak()},AVERAGE-BANDWIDTH={variant.average()},"
            f'CODECS="{variant.codecs}",RESOLUTION={variant.size},FRAME-RATE={float(variant.rate):.3f},'
            # Without it players offer a menu of captions that do not exist.
            "VIDEO-RANGE=SDR,CLOSED-CAPTIONS=NONE",
            f"{variant.name}.m3u8",
        ]
    for variant in (variant for variant in ranked if variant.iframes):
        lines.append(
            f"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={variant.iframe_peak()},"
            f'CODECS="{variant.video_codec()}",RESOLUTION={variant.size},VIDEO-RANGE=SDR,'
            f'URI="{variant.name}-iframes.m3u8"'
        )
    return "\n".join([*lines, ""])


def _target(durations: Sequence[float]) -> int:
    """The target duration, whole s: no segment, rounded to the nearest second, may be longer (RFC 8216, 4.3.3.1)."""
    return max(TARGET_S, *(int(duration + 0.5) for duration in durations))


def _rate(pieces: Sequence[tuple[int, float]]) -> int:
    return round(sum(size for size, _ in pieces) * 8 / sum(duration for _, duration in pieces))


def _peak(pieces: Sequence[tuple[int, float]]) -> int:
    """The peak bit rate of (bytes, s) pieces, bit/s.

    The largest rate of any contiguous set of segments that together last 0.5 to 1.5 target durations, so that one
    short, heavy last segment does not count alone. Source: RFC 8216, 4.1.
    """
    target = _target([duration for _, duration in pieces])
    peak = _rate(pieces)
    for start in range(len(pieces)):
        length = 0.0
        for end in range(start, len(pieces)):
            length += pieces[end][1]
            if length > 1.5 * target:
                break
            if length >= 0.5 * target:
                peak = max(peak, _rate(pieces[start : end + 1]))
    return peak
