// Films and photos lie under addresses that are signed for some hours. A page that was left open longer takes new ones
// from a new copy of itself; what is seen already stays as it is.
const OLD_MS = 3_600_000; // well before they are over, whatever the reader's clock says
const SIGNED = /\/m\/[^/"\s]+\/([^/"\s]+\/[^/"\s]+\/)/g; // the signature, then for whom and what

let taken = Date.now();

export function isOld(): boolean {
  return Date.now() - taken > OLD_MS;
}

export async function renew(): Promise<void> {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return; // the link is over, say: then so is what it opened
  takeOver(await answer.text());
  taken = Date.now();
}

function takeOver(text: string): void {
  const fresh = new Map(Array.from(text.matchAll(SIGNED), ([path, key]) => [key, path]));
  for (const element of document.querySelectorAll("body *")) {
    if (element.closest("media-controller") || isSeen(element)) continue;
    for (const { name, value } of [...element.attributes]) {
      const now = value.replace(SIGNED, (path, key: string) => fresh.get(key) ?? path);
      if (now !== value) element.setAttribute(name, now);
    }
  }
}

/** A picture that is there, which another address would fetch again. */
function isSeen(element: Element): boolean {
  const image = element.matches("source") ? element.parentElement?.querySelector("img") : element;
  return image instanceof HTMLImageElement && image.complete && image.naturalWidth > 0;
}
