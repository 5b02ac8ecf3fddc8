import assert from "node:assert/strict";
import { test } from "node:test";
import { joined } from "../src/capture/chips";

test("a German word keeps its capital behind another one", () => {
  assert.equal(joined("Bremsen", "Reifen", "de"), "Bremsen, Reifen");
});

test("English and French words go on in small letters", () => {
  assert.equal(joined("Brakes", "Tyres", "en"), "Brakes, tyres");
  assert.equal(joined("Freins", "Échappement", "fr"), "Freins, échappement");
});

test("what was typed stays as it was typed, and the first word is written as it is", () => {
  assert.equal(joined(" Left rear: 1.5 mm ", "Tyres", "en"), "Left rear: 1.5 mm, tyres");
  assert.equal(joined("  ", "Tyres", "en"), "Tyres");
});
