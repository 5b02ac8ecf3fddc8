import assert from "node:assert/strict";
import { test } from "node:test";
import { playsNatively } from "../src/_native";

const says = (answer: CanPlayTypeResult) => ({ canPlayType: () => answer });

test("a browser that only says it may play HLS is given hls.js", () => {
  for (const answer of ["maybe", "probably"] as const) assert.equal(playsNatively(says(answer), {}), false);
});

test("a browser that says so and manages its own buffer plays HLS itself", () => {
  for (const answer of ["maybe", "probably"] as const) assert.equal(playsNatively(says(answer), { ManagedMediaSource: class {} }), true);
});

test("a browser that cannot play HLS is given hls.js, whatever it manages", () => {
  assert.equal(playsNatively(says(""), { ManagedMediaSource: class {} }), false);
});
