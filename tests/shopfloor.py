"""The running product with one manager, and what she does first: sign in, write a job down, film it, send the link."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import running
from playwright.sync_api import Page
from running import ready, run, up, wait_for

EMAIL, PASSWORD = "claire@example.org", "correct horse battery"


class Product:
    """The whole product under `walkaround up`, with one manager who can sign in; can be stopped, started again."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.address = f"http://127.0.0.1:{environment['WEB_PORT']}"
        self.log: Path
        self._running = ExitStack()

    def start(self) -> None:
        self.log = self._running.enter_context(up(self.environment))
        wait_for(lambda: ready(self.environment)["ok"], 90)

    def stop(self) -> None:
        """Raises: AssertionError when anything of it is left within seconds."""
        self._running.close()


@contextmanager
def product(**settings: str) -> Iterator[Product]:
    """Started in an empty folder."""
    with running.environment(**settings) as environment:
        whole = Product(environment)
        try:
            whole.start()
            done = run(
                environment, "init", "--dealership", "Garage Lumière", "--country", "FR", "--name", "Claire",
                "--email", EMAIL, "--language", "en", "--password", PASSWORD,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            yield whole
        finally:
            whole.stop()


@contextmanager
def shop(**settings: str) -> Iterator[str]:
    """The address of a running product, with one manager who can sign in."""
    with product(**settings) as made:
        yield made.address


def begin(page: Page, address: str, reference: str = "RO-4711", language: str = "fr") -> None:
    """Sign in if need be, write an intervention down for a customer of that language, open the technician's page."""
    page.goto(f"{address}/interventions/new")
    if page.locator("input[name=password]").count():
        page.fill("input[name=email]", EMAIL)
        page.fill("input[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url("**/interventions**")
        page.goto(f"{address}/interventions/new")
    page.fill("input[name=reference]", reference)
    for part in page.locator("details.part > summary").all():  # folded on a phone
        part.click()
    page.fill("input[name=make]", "Renault")
    page.fill("input[name=model]", "Mégane")
    page.fill("input[name=customer_name]", "Camille Durand")
    page.select_option("select[name=customer_language]", language)
    page.click("main form button[type=submit]")
    page.wait_for_url(lambda url: not url.endswith("/new"))
    page.goto(page.url.split("?")[0].removesuffix("/capture") + "/capture")


def make_link(page: Page) -> str:
    """The address of a new link, made on the intervention's desk page on which `page` is."""
    page.locator("#links form[action$='/links'] button").click()
    return page.locator("#fresh-link").input_value(timeout=20_000)


def throttle(page: Page, upload: float) -> None:
    """A phone's line that takes `upload` bytes/s; the emulation ends with a navigation."""
    line = {"offline": False, "latency": 20, "downloadThroughput": 4e6, "uploadThroughput": upload}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", line)


def states(page: Page) -> list[str | None]:
    """What the technician's page says about its files, in their order."""
    return [card.get_attribute("data-state") for card in page.locator(".entry").all()]


def acknowledged(page: Page) -> int:
    """The bytes of the first file that the technician's page says have arrived."""
    card = page.locator(".entry").first
    return int(card.get_attribute("data-acknowledged") or 0) if card.count() else 0
