"""A film kept in H.264 and AV1 on the customer's page: each browser plays what it knows, out of one playlist."""

from collections.abc import Callable
from pathlib import Path

import pytest
from painting import paint
from visiting import BUFFERED, FILM, House, Visit

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def kept(house: House, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the page of a film made by the preset `archive`."""
    folder = tmp_path_factory.mktemp("kept")
    phone = paint(folder / "film.mp4", seconds=3)
    intervention = house.intervention()
    house.premiere.craft(intervention, phone, folder, "archive")
    return intervention


@pytest.mark.parametrize(
    ("unknown", "played"),
    [
        pytest.param("nothing", {"240p", "240p-av1"}, id="both"),
        pytest.param("av01", {"240p"}, id="H.264 alone"),
        pytest.param("avc1", {"240p-av1"}, id="AV1 alone"),
    ],
)
def test_a_browser_plays_the_codecs_it_knows(
    house: House, kept: str, visit: Callable[..., Visit], unknown: str, played: set[str]
) -> None:
    seen = visit("about:blank")
    seen.page.add_init_script(
        "const knows = MediaSource.isTypeSupported.bind(MediaSource);"
        f"MediaSource.isTypeSupported = type => !type.includes('{unknown}') && knows(type);"
    )
    seen.page.goto(house.url(kept))

    seen.page.tap(".start")
    seen.until(f"{FILM}?.ended", 60)

    count, start, end = seen.page.evaluate(BUFFERED)
    assert count == 1
    assert start < 0.1
    assert end == pytest.approx(3, abs=0.1)
    assert seen.page.evaluate(f"[{FILM}.videoWidth, {FILM}.videoHeight]") == [320, 240]
    quality = f"(q => [q.totalVideoFrames, q.corruptedVideoFrames])({FILM}.getVideoPlaybackQuality())"
    assert seen.page.evaluate(quality) == [pytest.approx(90, abs=12), 0]  # fewer on a busy machine
    segments = {Path(url).name.rpartition("-")[0] for url in seen.requests if url.endswith(".m4s")}
    assert segments
    assert segments <= played
    assert seen.faults == []
