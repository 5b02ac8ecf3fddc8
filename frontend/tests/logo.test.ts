import assert from "node:assert/strict";
import { test } from "node:test";
import { tone } from "../src/_logo";

const CLEAR = [0, 0, 0, 0];

/** A drawing of these colours, each as wide as the next, in the middle of nothing. */
function drawn(...colours: number[][]): number[] {
  return [...Array<number[]>(8).fill(CLEAR), ...colours].flat();
}

test("a logo that white paper swallows is pale, one that the dark swallows is deep", () => {
  assert.equal(tone(drawn([255, 255, 255, 255])), "pale");
  assert.equal(tone(drawn([250, 240, 120, 255])), "pale");
  assert.equal(tone(drawn([0, 0, 0, 255])), "deep");
  assert.equal(tone(drawn([20, 24, 60, 255])), "deep");
});

test("colours that read on both need no ground, nor does a logo that brings its own", () => {
  assert.equal(tone(drawn([226, 75, 45, 255], [230, 140, 30, 255])), null);
  assert.equal(tone(Array<number[]>(9).fill([0, 0, 0, 255]).flat()), null);
  assert.equal(tone(CLEAR), null);
});
