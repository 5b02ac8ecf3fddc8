"""The technician's page sends a film's index ahead of the film; whatever becomes of it, the film arrives."""

import struct
from pathlib import Path

import pytest
from handset import MIB, Hand
from painting import ffmpeg, paint
from playwright.sync_api import Request, Route

pytestmark = pytest.mark.browser

INDEX = "**/files/*/index?*"
NOISE = "noise=alls=60:allf=t"  # what no encoder makes small: a second of it is worth a few requests


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a phone writes it: pictures first, their index at the end."""
    return paint(tmp_path_factory.mktemp("filmed") / "IMG_0042.MOV", seconds=3, video_filter=NOISE)


def index_of(film: bytes) -> tuple[int, bytes]:
    """Where the index begins, and its bytes."""
    place = 0
    while (name := film[place + 4 : place + 8]) != b"moov":
        assert name in (b"ftyp", b"wide", b"free", b"mdat")
        place += struct.unpack(">I", film[place : place + 4])[0]
    return place, film[place : place + struct.unpack(">I", film[place : place + 4])[0]]


def listen(hand: Hand, *answers: int | str) -> list[Request]:
    """What is sent to the index's address, answered one after the other; the last answer stands for all that follow."""
    asked: list[Request] = []

    def answer(route: Route) -> None:
        asked.append(route.request)
        what = answers[min(len(asked), len(answers)) - 1]
        if what == "lost":
            route.abort()
        elif what != "silence":
            allowed = {"Access-Control-Allow-Origin": hand.garage.settings.effective_public_url}
            route.fulfill(status=what, headers=allowed)

    hand.page.route(INDEX, answer)
    return asked


def arrived(hand: Hand, film: bytes, seconds: float = 30) -> None:
    hand.wait(hand.all_arrived, seconds)
    assert [hand.garage.original(asset.id) for asset in hand.stored()] == [film]


def test_the_index_is_sent_whole_after_the_creation_and_before_the_first_byte(hand: Hand, filmed: Path) -> None:
    film, order = filmed.read_bytes(), []
    hand.page.on("request", lambda request: "/files" in request.url and order.append(request.method))
    asked = listen(hand, 204)
    hand.pick("film", filmed)
    arrived(hand, film)

    place, index = index_of(film)
    assert place > 0.9 * len(film)
    assert [request.method for request in asked] == ["PUT"]
    assert asked[0].url.endswith(f"/index?offset={place}")
    assert asked[0].post_data_buffer == index
    assert asked[0].headers["content-type"] == "application/octet-stream"
    assert asked[0].headers["authorization"].startswith("Bearer ")
    methods = [method for method in order if method != "OPTIONS"]
    assert methods[:3] == ["POST", "PUT", "PATCH"]
    assert set(methods[3:]) <= {"PATCH"}


@pytest.mark.parametrize("answer", [404, 413, 500, "lost"])
def test_whatever_is_answered_the_film_arrives(hand: Hand, filmed: Path, answer: int | str) -> None:
    asked = listen(hand, answer)
    hand.pick("film", filmed)
    arrived(hand, filmed.read_bytes())
    assert len(asked) == 1


def test_a_server_that_never_answers_holds_the_film_up_for_a_moment_only(hand: Hand, filmed: Path) -> None:
    asked = listen(hand, "silence")
    hand.pick("film", filmed)
    hand.wait(lambda: len(asked) == 1)
    arrived(hand, filmed.read_bytes(), 12)


def test_an_index_that_was_lost_is_sent_again_when_the_upload_goes_on_and_an_answered_one_is_not(
    hand: Hand, tmp_path: Path
) -> None:
    film = paint(tmp_path / "long.mov", seconds=6, video_filter=NOISE)
    assert film.stat().st_size > 5 * MIB
    asked = listen(hand, "lost", 204)
    hand.slow_down()
    hand.pick("film", film)
    for held in (MIB, 3 * MIB):
        hand.wait(lambda held=held: hand.shown() >= held)
        assert not hand.all_arrived()
        hand.garage.upload.stop(9)
        hand.wait(lambda: hand.says("no-network"))
        hand.garage.upload.start()
        hand.wait(lambda: hand.says("sending-one") and len(asked) == 2)
    arrived(hand, film.read_bytes())
    assert len(asked) == 2
    assert asked[0].url == asked[1].url


def test_a_film_with_its_index_in_front_and_a_photo_send_none(hand: Hand, filmed: Path, tmp_path: Path) -> None:
    front = tmp_path / "front.mp4"
    ffmpeg("-i", filmed, "-c", "copy", "-movflags", "+faststart", front)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" * 100)
    asked = listen(hand, 204)
    hand.pick("library", front, photo)
    hand.wait(lambda: len(hand.stored()) == 2 and hand.all_arrived())
    assert asked == []
