// What a film begins with, asked for at the touch that starts it, while the player itself is still on its way: one behind
// the other, the player, the lists and the film's beginning would each cost a way over the phone's line.
export type Came = { body: ArrayBuffer; start: number; first: number; end: number }; // asked, first and last byte, ms

const COMMON = 'video/mp4; codecs="avc1.64001f,mp4a.40.2"'; // what a film opens with is H.264

const asked = new Map<string, Promise<Came | undefined>>();

/** Asks for a film's list and what the page says it opens with, beside that list. */
export function ahead(playlist: string, opening: string): void {
  const index = whole(playlist);
  const names = opening && globalThis.MediaSource?.isTypeSupported(COMMON) ? opening.split(" ") : [];
  for (const name of [index, ...names]) {
    const address = new URL(name, index).href;
    asked.set(address, get(address).catch(() => undefined));
  }
}

/** What was asked for at this address, once; undefined if nothing was, or nothing came. */
export function taken(address: string): Promise<Came | undefined> | undefined {
  const came = asked.get(whole(address));
  asked.delete(whole(address));
  return came;
}

function whole(address: string): string {
  return new URL(address, location.href).href;
}

async function get(address: string): Promise<Came | undefined> {
  const start = performance.now();
  const answer = await fetch(address);
  const first = performance.now();
  return answer.ok ? { body: await answer.arrayBuffer(), start, first, end: performance.now() } : undefined;
}
