"""A film's playlists say what RFC 8216 wants, about the chunks that exist, and play."""

import functools
import io
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import av
import m3u8
import pytest
from reel import reel

from pipeline import playlist


def uri(number: int, path: str) -> str:
    return f"{number:04d}/{path}"


def facts(count: int = 3) -> list[dict]:
    return [chunk.facts for chunk in reel(6)][:count]


def test_the_multivariant_playlist_describes_each_rendition_as_measured() -> None:
    index = m3u8.loads(playlist.film(facts(), True, uri)["index.m3u8"])

    assert index.is_variant
    assert index.is_independent_segments
    assert int(index.version) == 7
    by_uri = {variant.uri: variant.stream_info for variant in index.playlists}
    assert set(by_uri) == {"180p.m3u8", "270p.m3u8"}
    info = by_uri["180p.m3u8"]
    assert info.resolution == (180, 320)
    assert info.frame_rate == 30.0
    assert info.codecs.startswith("avc1.64")
    assert info.codecs.endswith(",mp4a.40.2")
    sizes = [chunk["renditions"][0]["segments"][0]["bytes"] for chunk in facts()]
    assert info.average_bandwidth == round(sum(sizes) * 8 / 6)
    assert info.average_bandwidth <= info.bandwidth <= round(max(sizes) * 8 / 2)


def test_the_peak_is_that_of_the_heaviest_run_of_half_to_one_and_a_half_target_durations() -> None:
    sizes = [100, 900, 800, 100, 100, 5000]
    durations = [4.0, 4.0, 4.0, 4.0, 4.0, 0.5]
    chunk = facts(1)[0]
    template = chunk["renditions"][0]
    segments = [
        {"path": f"{i}.m4s", "start": 0.0, "duration": d, "bytes": s, "iframes": []}
        for i, (s, d) in enumerate(zip(sizes, durations, strict=True))
    ]
    text = playlist.film([chunk | {"renditions": [template | {"segments": segments}]}], True, uri)["index.m3u8"]

    # 5.1 kB over the last 4.5 s; the half second alone (80 kbit/s) is shorter than half a target duration.
    assert m3u8.loads(text).playlists[0].stream_info.bandwidth == round(5100 * 8 / 4.5)


def test_the_variant_to_start_with_is_the_best_of_at_most_two_megabits() -> None:
    chunk = facts(1)[0]
    template = chunk["renditions"][0]

    def at(name: str, bits: int) -> dict:
        segment = template["segments"][0] | {"bytes": bits * 2 // 8, "iframes": []}
        return template | {"name": name, "segments": [segment]}

    ladder = [at("1080p", 5_000_000), at("720p", 1_900_000), at("480p", 800_000)]
    index = m3u8.loads(playlist.film([chunk | {"renditions": ladder}], True, uri)["index.m3u8"])

    assert [variant.uri for variant in index.playlists] == ["720p.m3u8", "1080p.m3u8", "480p.m3u8"]


def test_a_finished_film_is_vod_with_exact_durations_and_an_end() -> None:
    media = m3u8.loads(playlist.film(facts(), True, uri)["270p.m3u8"])

    assert media.playlist_type == "vod"
    assert media.is_endlist
    assert media.target_duration == playlist.TARGET_S
    assert [segment.uri for segment in media.segments] == [f"{n:04d}/270p-{n:03d}.m4s" for n in range(3)]
    assert sum(segment.duration for segment in media.segments) == pytest.approx(6.0, abs=1e-6)
    assert media.segment_map[0].uri == "0000/270p-init.mp4"


def test_a_long_segment_raises_the_target_duration_to_its_rounded_length() -> None:
    chunk = facts(1)[0]
    template = chunk["renditions"][0]
    segment = template["segments"][0] | {"duration": 9.6, "iframes": []}
    media = playlist.film([chunk | {"renditions": [template | {"segments": [segment]}]}], True, uri)["180p.m3u8"]

    assert m3u8.loads(media).target_duration == 10


def test_a_growing_film_lists_only_the_run_before_the_first_hole() -> None:
    first, _, third = facts()
    texts = playlist.film([third, first], False, uri)
    media = m3u8.loads(texts["180p.m3u8"])

    assert media.playlist_type == "event"
    assert not media.is_endlist
    assert [segment.uri for segment in media.segments] == ["0000/180p-000.m4s"]


def test_a_growing_film_begins_at_its_beginning_and_is_not_joined_near_its_end() -> None:
    growing, finished = playlist.film(facts(2), False, uri), playlist.film(facts(), True, uri)

    for name in ("180p.m3u8", "270p.m3u8"):
        assert "#EXT-X-START:TIME-OFFSET=0" in growing[name].splitlines()
        assert m3u8.loads(growing[name]).start.time_offset == 0
        assert "#EXT-X-START" not in finished[name]
    # Never in both kinds of playlist (RFC 8216, 4.3.5).
    assert "#EXT-X-START" not in growing["index.m3u8"]


def test_a_growing_playlist_only_ever_gains_lines() -> None:
    shorter = playlist.film(facts(1), False, uri)["180p.m3u8"]
    longer = playlist.film(facts(3), False, uri)["180p.m3u8"]

    assert longer.startswith(shorter)


def test_of_a_first_chunk_made_in_pieces_what_is_here_is_listed() -> None:
    first, second, _ = facts()
    light, large = ({**first, "renditions": [one]} for one in first["renditions"])

    begun = playlist.film([second, light], False, uri)
    whole = playlist.film([second, light, large], False, uri)

    assert sorted(begun) == ["180p-iframes.m3u8", "180p.m3u8", "index.m3u8"]
    assert [one.uri for one in m3u8.loads(begun["index.m3u8"]).playlists] == ["180p.m3u8"]
    assert begun["180p.m3u8"] == whole["180p.m3u8"]
    assert whole == playlist.film([first, second], False, uri)
    with pytest.raises(ValueError, match="chunk 1 does not hold"):
        playlist.film([first, {**second, "renditions": second["renditions"][:1]}], True, uri)


def test_nothing_is_listed_before_the_first_chunk() -> None:
    assert playlist.film([], False, uri) == {}
    assert playlist.film(facts()[1:], False, uri) == {}


def test_a_finished_film_with_a_hole_is_an_error() -> None:
    first, _, third = facts()
    with pytest.raises(ValueError, match="chunk 1 is missing"):
        playlist.film([first, third], True, uri)


def test_chunks_with_different_renditions_are_an_error() -> None:
    first, second, _ = facts()
    with pytest.raises(ValueError, match="chunk 1 does not hold"):
        playlist.film([first, second | {"renditions": second["renditions"][:1]}], True, uri)


def test_i_frame_playlists_name_the_bytes_of_one_decodable_picture() -> None:
    texts = playlist.film(facts(), True, uri)
    index = m3u8.loads(texts["index.m3u8"])
    iframes = m3u8.loads(texts["180p-iframes.m3u8"])

    assert {variant.uri for variant in index.iframe_playlists} == {"180p-iframes.m3u8", "270p-iframes.m3u8"}
    assert "mp4a" not in index.iframe_playlists[0].iframe_stream_info.codecs
    assert iframes.is_i_frames_only
    assert len(iframes.segments) == 3
    chunk = reel(6)[1]
    length, offset = (int(part) for part in iframes.segments[1].byterange.split("@"))
    data = chunk.files["180p-001.m4s"][offset : offset + length]
    assert 0 < length < len(chunk.files["180p-001.m4s"])
    with av.open(io.BytesIO(chunk.files["180p-init.mp4"] + data)) as container:
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height) == (180, 320)


@pytest.mark.parametrize("name", ["index.m3u8", "270p.m3u8"])
def test_the_playlists_play_from_end_to_end(name: str, served: tuple[str, Path]) -> None:
    address, folder = served
    for chunk in reel(6):
        for path, data in chunk.files.items():
            target = folder / uri(chunk.facts["chunk"], path)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)
    for path, text in playlist.film(facts(), True, uri).items():
        (folder / path).write_text(text)

    with av.open(f"{address}/{name}") as container:
        stamps = [frame.time for frame in container.decode(container.streams.video[0])]

    assert len(stamps) == 180
    steps = [later - earlier for earlier, later in pairwise(stamps)]
    assert min(steps) == pytest.approx(1 / 30, abs=0.001)
    assert max(steps) == pytest.approx(1 / 30, abs=0.001)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", tmp_path
    server.shutdown()
    server.server_close()
    thread.join()
