// How much to send at once, and how long to wait after a failure. Pure numbers, so that they can be tested.

export const SMALLEST = 256 * 1024; // bytes; below this the answers cost more than the bytes
export const LARGEST = 8 * 1024 * 1024; // bytes; one part of the server's storage
export const FIRST = 512 * 1024;
const LONGEST_S = 300; // the longest pause a server may ask for
const ANSWER_S = 4; // keeps the shown progress true; the server stores, and films are made, while a request streams

/** Bytes of the next request, from how long the last one took. Grows at most fourfold, so that one lucky answer misleads little. */
export function nextChunk(last: number, seconds: number): number {
  const wanted = (last / Math.max(seconds, 0.05)) * ANSWER_S;
  return Math.round(Math.min(LARGEST, Math.max(SMALLEST, Math.min(wanted, last * 4))));
}

/** Seconds before attempt number `failures` (from 1): doubling from 1 to 30, spread so that a whole workshop does not return at once. */
export function backoff(failures: number, random: number = Math.random()): number {
  return Math.min(30, 2 ** (failures - 1)) * (0.75 + random / 2);
}

/** Seconds before trying again: our own pace, or longer where the server asked for it, within reason. */
export function rest(failures: number, asked: number, random?: number): number {
  return Math.max(backoff(failures, random), Math.min(asked, LONGEST_S));
}

/** What an answer's status means for trying again. 0: no answer at all. */
export function verdict(status: number): "again" | "token" | "gone" | "refused" {
  if (status === 401) return "token";
  if (status === 404 || status === 410) return "gone";
  if (status === 0 || status >= 500 || [408, 409, 423, 429, 412, 460].includes(status)) return "again";
  return "refused";
}
