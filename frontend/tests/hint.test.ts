import assert from "node:assert/strict";
import { test } from "node:test";
import { sendIndex, type Film } from "../src/capture/hint";

const MOOV = "\0\0\0\x10moov12345678";
const BYTES = Uint8Array.from(`\0\0\0\x10mdatpictures${MOOV}`, (sign) => sign.charCodeAt(0));
const FILM: Film = { size: BYTES.length, acknowledged: 0, read: async (from, to) => new Blob([BYTES.slice(from, to)]) };
const NEVER = (): Promise<never> => new Promise(() => undefined);

interface Asked {
  url: string;
  init: RequestInit;
}

/** A network that answers so, and what it was asked. */
function network(answer: (init: RequestInit) => Promise<unknown>): Asked[] {
  const asked: Asked[] = [];
  globalThis.fetch = ((url: string, init: RequestInit) => {
    asked.push({ url, init });
    return answer(init);
  }) as typeof fetch;
  return asked;
}

const says = (status: number) => network(async () => ({ status }));
const send = (film = FILM, signal = new AbortController().signal) => sendIndex(film, "http://up/files/1", "key", signal, 50);

test("the index goes whole to the upload's own address, with its place and the upload's key", async () => {
  const asked = says(204);
  assert.equal(await send(), true);
  assert.equal(asked.length, 1);
  assert.equal(asked[0]!.url, "http://up/files/1/index?offset=16");
  const { method, headers, body } = asked[0]!.init;
  assert.equal(method, "PUT");
  assert.deepEqual(headers, { Authorization: "Bearer key", "Content-Type": "application/octet-stream", "Tus-Resumable": "1.0.0" });
  assert.equal(await (body as Blob).text(), MOOV);
});

test("a server that says no has the last word; one that stumbled is asked again at the next attempt", async () => {
  for (const status of [204, 400, 404, 405, 409, 413, 415]) assert.equal((says(status), await send()), true, String(status));
  for (const status of [401, 408, 429, 500, 502, 503]) assert.equal((says(status), await send()), false, String(status));
});

test("a lost network, a dead file and a browser that refuses harm nothing", async () => {
  network(() => Promise.reject(new TypeError("Failed to fetch")));
  assert.equal(await send(), false);
  says(204);
  assert.equal(await send({ ...FILM, read: () => Promise.reject(new Error("NotReadableError")) }), false);
  network(() => { throw new Error("blocked"); });
  assert.equal(await send(), false);
});

test("a server or a file that never answers is left after a moment, for good, and its request ends", async () => {
  const [asked] = [network(NEVER)];
  const began = performance.now();
  assert.equal(await send(), true);
  assert.ok(performance.now() - began < 1000);
  assert.equal(asked[0]!.init.signal?.aborted, true);
  assert.equal(await send({ ...FILM, read: NEVER }), true);
});

test("an upload that is ended takes its index along", async () => {
  const stop = new AbortController();
  network((init) => new Promise((_, reject) => init.signal!.addEventListener("abort", () => reject(new Error("aborted")))));
  const sent = sendIndex(FILM, "http://up/files/1", "key", stop.signal, 60_000);
  setTimeout(() => stop.abort(), 10);
  assert.equal(await sent, false);
});

test("where there is no index behind the pictures, or the server has it already, nothing is asked", async () => {
  const asked = says(204);
  assert.equal(await send({ ...FILM, acknowledged: 17 }), true);
  assert.equal(await send({ ...FILM, size: 8, read: async () => new Blob(["%PDF-1.7"]) }), true);
  assert.deepEqual(asked, []);
});
