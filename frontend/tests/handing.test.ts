import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ahead } from "../src/_ahead";
import { handing } from "../src/_handing";
import { reach } from "../src/_reach";

const FILM = "http://garage.example/m/s/l/a/index.m3u8";
Object.assign(globalThis, { location: { href: "http://garage.example/w/1" }, MediaSource: { isTypeSupported: () => true } });
const real = { fetch, entries: performance.getEntriesByType };
afterEach(() => {
  globalThis.fetch = real.fetch;
  performance.getEntriesByType = real.entries;
});

/** A network on which these texts lie at these addresses, each answered after `wait` ms. */
function lying(texts: Record<string, string>, wait = 0): string[] {
  const asked: string[] = [];
  globalThis.fetch = (async (address: string) => {
    asked.push(address);
    await new Promise((resolve) => setTimeout(resolve, wait));
    const text = texts[address];
    return { ok: text !== undefined, url: address, text: async () => text ?? "", arrayBuffer: async () => new TextEncoder().encode(text).buffer };
  }) as unknown as typeof fetch;
  return asked;
}

class Line {
  context: unknown = null;
  stats = { aborted: false, loaded: 0, total: 0, loading: { start: 0, first: 0, end: 0 } };
  static asked: string[] = [];
  load({ url }: { url: string }): void { Line.asked.push(url); }
  abort(): void {}
  destroy(): void {}
}
const Handing = handing(Line as never) as unknown as new () => Line & { load: (...args: unknown[]) => void };
const load = (url: string, loader = new Handing()) =>
  new Promise<{ data: unknown; stats: Line["stats"] } | "line">((resolve) => {
    Line.asked = [];
    loader.load({ url, responseType: "text" }, {}, { onSuccess: ({ data }: { data: unknown }, stats: Line["stats"]) => resolve({ data, stats }) });
    setTimeout(() => Line.asked.length && resolve("line"), 60);
  });

test("what was asked for ahead is handed over once, and then asked for again", async () => {
  const asked = lying({ [FILM]: "list", "http://garage.example/m/s/l/a/720p.m3u8": "media" });
  ahead("/m/s/l/a/index.m3u8", "720p.m3u8");
  assert.deepEqual(asked, [FILM, "http://garage.example/m/s/l/a/720p.m3u8"]);
  const first = await load(FILM);
  assert.equal(first !== "line" && first.data, "list");
  assert.equal(await load(FILM), "line");
});

test("what did not come is asked for by the player itself", async () => {
  lying({});
  ahead(FILM, "");
  assert.equal(await load(FILM), "line");
});

test("the line is measured by all that came over it at the same time", async () => {
  lying({ [FILM]: "x".repeat(1000) }, 20);
  performance.getEntriesByType = (() => [
    { responseStart: 0, responseEnd: 1e9, transferSize: 1e12 }, // 1,000 bytes in each ms
  ]) as never;
  globalThis.fetch = ((inner) => async (address: string) => {
    const answer = await inner(address);
    return { ...answer, arrayBuffer: async () => (await new Promise((resolve) => setTimeout(resolve, 100)), answer.arrayBuffer()) };
  })(globalThis.fetch) as never;
  ahead(FILM, "");
  const got = await load(FILM);
  assert.ok(got !== "line");
  const took = got.stats.loading.end - got.stats.loading.first;
  assert.ok(took > 0.5 && took < 2, `1,000 bytes took their part of it, 1 ms, not ${took}`);
});

test("a loader that is stopped before it came hands nothing over", async () => {
  lying({ [FILM]: "list" }, 10);
  ahead(FILM, "");
  const loader = new Handing();
  const said: string[] = [];
  loader.load({ url: FILM }, {}, { onSuccess: () => said.push("success"), onAbort: () => said.push("abort") });
  loader.abort();
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.deepEqual(said, ["abort"]);
});

test("a film reaches as far as its segments, without end when it is whole, and nowhere when it is away", async () => {
  const index = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n720p.m3u8\n';
  const media = "http://garage.example/m/s/l/a/720p.m3u8";
  lying({ [FILM]: index, [media]: "#EXTINF:1.000000,\na\n#EXTINF:4.000000,\nb\n" });
  assert.equal(await reach(FILM), 5);
  lying({ [FILM]: index, [media]: "#EXTINF:1.000000,\na\n#EXT-X-ENDLIST\n" });
  assert.equal(await reach(FILM), Infinity);
  lying({ [FILM]: index });
  assert.equal(await reach(FILM), 0);
  lying({});
  assert.equal(await reach(FILM), 0);
});
