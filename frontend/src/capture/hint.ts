// Sends the index of a film ahead of the film, so that the server can begin before the last byte. It is help and no
// more: whatever happens to it, the upload goes on, and soon.
import { indexBehind, type Read } from "./boxes";

const PATIENCE_MS = 6000; // an index of 400 kB (ten minutes of film) on a line of 0.6 Mbit/s

export interface Film {
  size: number;
  acknowledged: number; // bytes the server has: an index among them is no news
  read: Read;
}

/** Resolves to whether this is settled: sent, refused, out of time or not needed. False: the line broke, and the next
 * attempt may try again. Never rejects, and never takes longer than `patience` ms. */
export async function sendIndex(film: Film, url: string, token: string, signal: AbortSignal, patience = PATIENCE_MS): Promise<boolean> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  signal.addEventListener("abort", end, { once: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<true>((resolve) => (timer = setTimeout(resolve, patience, true)));
  try {
    return await Promise.race([attempt(film, url, token, stop.signal), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    stop.abort();
  }
}

async function attempt(film: Film, url: string, token: string, signal: AbortSignal): Promise<boolean> {
  const index = await indexBehind(film.size, film.read);
  if (!index || film.acknowledged > index.offset || signal.aborted) return true;
  const answer = await fetch(`${url}/index?offset=${index.offset}`, {
    method: "PUT",
    body: await film.read(index.offset, index.offset + index.length),
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/octet-stream", "Tus-Resumable": "1.0.0" },
    signal,
  });
  return answer.status < 500 && ![401, 408, 429].includes(answer.status);
}
