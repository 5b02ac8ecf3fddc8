"""Whether a film that a page is given is, byte for byte, the one the craft makes of a file that is all there."""

import hashlib
from pathlib import Path

from playwright.sync_api import Page

from pipeline.make import make
from pipeline.measure import measure


def pieces(page: Page) -> set[str]:
    """The digests of all that the customer's page is given of a film."""
    script = """async () => {
      const list = new URL(document.querySelector('.film .screen').dataset.playlist, location), made = [];
      const read = async address => (await fetch(address)).text();
      for (const name of (await read(list)).split('\\n').filter(line => /^[^#].*m3u8/.test(line))) {
        const address = new URL(name, list);
        for (const [, map, piece] of (await read(address)).matchAll(/MAP:URI="([^"]+)"|^([^#\\s]\\S*)$/gm)) {
          const body = await (await fetch(new URL(map || piece, address))).arrayBuffer();
          const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body));
          made.push([...digest].map(byte => byte.toString(16).padStart(2, '0')).join(''));
        }
      }
      return made;
    }"""
    return set(page.evaluate(script))


def made_whole(film: Path, folder: Path) -> set[str]:
    """The digests of what the craft makes of a film that is all there."""
    found = measure(film, "workshop", False)
    for output in found["plan"]["outputs"]:
        if output["name"].startswith("chunk/"):
            folder.joinpath(output["name"]).mkdir(parents=True)
            make(output["name"], film, found["source"], found["plan"], None, folder / output["name"], lambda _: None)
    return {hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.glob("chunk/*/*")}
