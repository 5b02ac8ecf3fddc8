"""The main job, as its users do it: a phone's film through a lost network to a page where it plays upright and clean.

Everything is real: `walkaround up` with all its processes, a browser as the technician's phone, one as the customer's.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import numpy as np
import pytest
from browsing import PHONE
from painting import ffmpeg
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page
from running import wait_for
from shopfloor import acknowledged, begin, make_link, states
from wire import Wire, wire

from pipeline import privacy

pytestmark = pytest.mark.browser

LINE = 120_000  # bytes/s: the first request takes four seconds of it
GREY = """element => {
  const { videoWidth, naturalWidth, videoHeight, naturalHeight } = element;
  const page = new OffscreenCanvas(videoWidth || naturalWidth, videoHeight || naturalHeight);
  const pen = page.getContext("2d");
  pen.drawImage(element, 0, 0);
  const [wide, high] = [page.width / 8, page.height / 8];
  return [...Array(64).keys()].map(cell => {
    const part = pen.getImageData(cell % 8 * wide, (cell >> 3) * high, wide, high).data;
    let sum = 0;
    for (let at = 0; at < part.length; at += 4) sum += .299 * part[at] + .587 * part[at + 1] + .114 * part[at + 2];
    return sum / part.length * 4;
  });
}"""


@pytest.fixture
def line() -> Iterator[Wire]:
    with wire(LINE) as made:
        yield made


@pytest.mark.xdist_group("up")
@pytest.mark.timeout(600)
def test_a_film_from_an_iphone_reaches_its_customer_through_a_lost_network(
    address: str, browser: Browser, media: Path, line: Wire, tmp_path: Path
) -> None:
    film, photo = (
        media / "video-iphone" / "streamio-ffmpeg__ios9.mov",
        media / "photo-orient" / "sharp__Landscape_6.jpg",
    )
    phone = browser.new_context(**PHONE, proxy=line.proxy)
    page = phone.new_page()
    begin(page, address)
    asked: list[tuple[str, int]] = []  # the line's questions and answers about the film, with their offsets
    page.on("request", lambda one: one.method == "PATCH" and asked.append(("PATCH", offset(one.headers))))
    page.on("requestfailed", lambda one: one.method == "PATCH" and asked.append(("cut", offset(one.headers))))
    page.on("response", lambda got: got.request.method == "HEAD" and asked.append(("HEAD", offset(got.headers))))
    with page.expect_request(lambda one: one.method == "PATCH"):
        page.locator("input[name=film]").set_input_files(str(film))
    begun = line.carried
    wait_for(lambda: line.carried > begun + LINE, 60)
    line.cut()  # in the middle of a request
    phone.set_offline(True)
    page.locator(".status[data-key=no-network]").wait_for(timeout=30_000)
    page.screenshot(path=tmp_path / "technician-offline.png")
    assert acknowledged(page) < film.stat().st_size
    wait_for(lambda: page.locator(".status").is_visible() and len(asked) > 1, 30)  # a look lets what happened be heard
    assert asked == [("PATCH", 0), ("cut", 0)]
    line.mend()
    phone.set_offline(False)
    page.locator("input[name=photo]").set_input_files(str(photo))
    page.locator("input[name=file]").set_input_files(str(media / "synthetic" / "s26_html_named.mp4"))
    wait_for(lambda: sorted(map(str, states(page))) == ["ready", "ready", "rejected"], 420)
    page.screenshot(path=tmp_path / "technician.png", full_page=True)
    assert "cannot be shown to a customer" in page.locator(".entry[data-state=rejected]").inner_text()
    # It went on with the byte behind the last one that had come, and what was half sent was not sent again.
    (_, kept), (what, again) = asked[2:4]
    assert [what, again] == ["PATCH", kept]
    assert LINE / 2 < kept <= film.stat().st_size

    page.goto(page.url.removesuffix("/capture"))
    link = make_link(page)

    customer = browser.new_context(**PHONE).new_page()
    fetched: list[str] = []
    customer.on("request", lambda one: one.url.startswith(("blob:", "data:")) or fetched.append(one.url))
    customer.goto(link)
    assert customer.locator(".films .film").count() == 1
    assert customer.locator(".gallery img").count() == 1
    customer.screenshot(path=tmp_path / "customer.png")
    customer.locator(".films button").first.click()
    look = "(v => v && [v.currentTime, v.videoWidth, v.videoHeight, v.ended])(document.querySelector('video'))"
    wait_for(lambda: (customer.evaluate(look) or [0])[0] > 0.1, 30)
    customer.screenshot(path=tmp_path / "customer-playing.png")
    wait_for(lambda: customer.evaluate(look)[-1], 30)
    seconds, width, height, _ = customer.evaluate(look)
    assert seconds == pytest.approx(0.47, abs=0.1)
    assert width < height, "portrait stays portrait"

    customer.evaluate("document.querySelector('video').currentTime = 0")
    wait_for(lambda: customer.evaluate("(v => !v.seeking && v.readyState > 1)(document.querySelector('video'))"), 30)
    ffmpeg("-i", film, "-frames:v", "1", tmp_path / "first.png")  # turned by ffmpeg as the phone asked
    assert is_upright(customer, "video", Image.open(tmp_path / "first.png"))
    customer.locator(".gallery img").scroll_into_view_if_needed()
    wait_for(lambda: customer.evaluate("document.querySelector('.gallery img').naturalWidth"), 30)
    assert is_upright(customer, ".gallery img", ImageOps.exif_transpose(Image.open(photo)))

    assert {url for url in fetched if not url.startswith(address)} == set()
    private = privacy.collect(film, "mov")
    assert {"iPhone 6s", "40.6358", "2016-02-02"} <= private, "the phone wrote down what it is, where and when"
    everything = reachable(customer, fetched)
    assert sum(len(body) for body in everything.values()) > 100_000
    assert {Path(url.partition("?")[0]).suffix for url in everything} >= {".m3u8", ".mp4", ".m4s", ".vtt", ".webp"}
    for url, body in everything.items():
        (tmp_path / "body").write_bytes(body)
        assert privacy.search(tmp_path / "body", {*private, film.stem, film.name, photo.stem, "s26_html"}) == [], url


def offset(headers: dict[str, str]) -> int:
    return int(headers.get("upload-offset", -1))


def is_upright(page: Page, element: str, source: Image.Image) -> bool:
    """Whether what is shown is more like its source than like any of the seven ways to turn and mirror that."""
    shown = np.array(page.locator(element).first.evaluate(GREY)).reshape(8, 8)
    true = np.asarray(source.convert("L").resize((8, 8), Image.Resampling.BOX), float)
    turned = [np.rot90(side, turns) for side in (true, true[:, ::-1]) for turns in range(4)]
    alike = [np.corrcoef(shown.ravel(), one.ravel())[0, 1] for one in turned]
    return int(np.argmax(alike)) == 0 and alike[0] > 0.95


def reachable(page: Page, fetched: list[str]) -> dict[str, bytes]:
    """The bytes of everything the page fetched, and of all that it and its playlists name; its own scripts aside, which
    are the same for everybody."""
    named = re.findall(r"/m/[^\"\s]+", page.content())
    wanted, found = [*fetched, *(urljoin(page.url, path) for path in named)], {}
    for url in wanted:  # grows meanwhile
        if url in found or "/static/" in url or url.endswith("/opened"):
            continue
        answer = page.request.get(url)
        assert answer.status == 200, url
        found[url] = answer.body()
        if url.endswith(".m3u8"):
            lines = re.findall(r'^[^#\s].*|(?<=URI=")[^"]+', answer.text(), re.MULTILINE)
            wanted += [urljoin(url, line) for line in lines]
    return found
