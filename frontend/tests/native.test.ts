import assert from "node:assert/strict";
import { test } from "node:test";
import { playsNatively } from "../src/_native";

const says = (answer: CanPlayTypeResult) => ({ canPlayType: () => answer });
const some = ["maybe", "probably"] as const;

test("a browser that only says it may play HLS is given hls.js", () => {
  for (const name of ["MediaSource", "WebKitMediaSource"])
    for (const answer of some) assert.equal(playsNatively(says(answer), { [name]: class {} }), false);
});

test("a browser that says so and manages its own buffer plays HLS itself", () => {
  for (const answer of some)
    for (const more of [{}, { MediaSource: class {} }])
      assert.equal(playsNatively(says(answer), { ManagedMediaSource: class {}, ...more }), true);
});

test("a browser that says so and has no media source at all, as an iPhone before iOS 17.1, plays HLS itself", () => {
  for (const answer of some) assert.equal(playsNatively(says(answer), {}), true);
});

test("a browser that cannot play HLS is given hls.js, whatever it manages", () => {
  for (const browser of [{}, { MediaSource: class {} }, { ManagedMediaSource: class {} }])
    assert.equal(playsNatively(says(""), browser), false);
});
