import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff, FIRST, LARGEST, nextChunk, rest, SMALLEST, verdict } from "../src/capture/pace";

test("on a fast line requests grow to one part of the storage and no further", () => {
  let size = FIRST;
  const sizes = Array.from({ length: 5 }, () => (size = nextChunk(size, 0.1)));
  assert.deepEqual(sizes, [4 * FIRST, LARGEST, LARGEST, LARGEST, LARGEST]);
});

test("on a slow line a request shrinks until an answer comes every four seconds", () => {
  const rate = 100 * 1024; // bytes/s
  let size = LARGEST;
  for (let turn = 0; turn < 3; turn++) size = nextChunk(size, size / rate);
  assert.equal(size, 4 * rate);
});

test("a request never becomes so small that the answers cost more than the bytes", () => {
  assert.equal(nextChunk(SMALLEST, 600), SMALLEST);
});

test("a lucky or impossible time does not break the pace", () => {
  assert.equal(nextChunk(FIRST, 0), 4 * FIRST);
  assert.ok(Number.isInteger(nextChunk(333_333, 1.7)));
});

test("waiting doubles up to half a minute, and phones do not come back in step", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 50].map((failures) => backoff(failures, 0.5)), [1, 2, 4, 8, 16, 30, 30]);
  assert.deepEqual([backoff(1, 0), backoff(1, 1)], [0.75, 1.25]);
});

test("a pause the server asks for is kept, unless it is shorter than ours or out of reason", () => {
  assert.deepEqual([rest(1, 0, 0.5), rest(1, 20, 0.5), rest(5, 2, 0.5), rest(1, 86400, 0.5)], [1, 20, 16, 300]);
});

test("only an answer that can never change ends an upload", () => {
  for (const status of [0, 408, 409, 412, 423, 429, 460, 500, 502, 503]) assert.equal(verdict(status), "again", String(status));
  assert.equal(verdict(401), "token");
  for (const status of [404, 410]) assert.equal(verdict(status), "gone");
  for (const status of [400, 403, 413, 415]) assert.equal(verdict(status), "refused");
});
