import assert from "node:assert/strict";
import { test } from "node:test";
import { megabytes, remaining, status } from "../src/capture/status";

test("the phone may be put away only when every file has arrived", () => {
  assert.equal(status([], true, false, 3, 0).key, "sent");
  assert.equal(status(["sent", "sent"], true, false, 3, 2).key, "sent-making");
  for (const phase of ["waiting", "sending", "resting", "held", "missing", "refused"] as const) {
    assert.notEqual(status(["sent", phase], true, false, 3, 0).tone, "good", phase);
  }
});

test("a file the server cannot use is said below what concerns the phone, and counted", () => {
  assert.deepEqual(status(["sent"], true, false, 3, 1, 1), { key: "sent-making", tone: "good", n: 0, second: { key: "some-refused", n: 1 } });
  assert.deepEqual(status([], true, false, 3, 0, 2), { key: "sent", tone: "good", n: 0, second: { key: "some-refused-many", n: 2 } });
  assert.equal(status(["sending"], true, false, 2, 0, 1).key, "sending-one");
  assert.equal(status(["sending"], true, false, 2, 0, 1).second?.key, "some-refused");
});

test("when nothing sent can be used, that is the news", () => {
  assert.deepEqual(status(["sent"], true, false, 2, 0, 2), { key: "some-refused-many", tone: "bad", n: 2 });
  assert.deepEqual(status([], true, false, 1, 0, 1), { key: "some-refused", tone: "bad", n: 1 });
});

test("files that need a person are counted", () => {
  assert.equal(status(["refused"], true, false, 0, 0).key, "some-unsent");
  assert.deepEqual(status(["missing", "missing"], true, false, 0, 0), { key: "missing-some-many", tone: "bad", n: 2 });
});

test("without a network it says so, and that nothing is lost", () => {
  assert.deepEqual(status(["sending"], false, false, 1, 0), { key: "no-network", tone: "waiting", n: 1 });
  assert.equal(status(["resting", "waiting"], true, false, 0, 0).key, "no-network");
  assert.equal(status(["resting", "sending"], true, false, 0, 0).key, "sending");
  assert.equal(status(["resting", "sending"], false, false, 0, 0).key, "no-network");
  assert.equal(status(["sent"], false, false, 1, 0).key, "sent"); // nothing to send: the network does not matter
});

test("a server that asks for patience is not called a lost network", () => {
  assert.deepEqual(status(["held", "waiting"], true, false, 0, 0), { key: "held", tone: "waiting", n: 2 });
});

test("an ended sign-in is named before the network", () => {
  assert.equal(status(["waiting"], false, true, 0, 0).key, "signed-out");
  assert.equal(status(["sending"], true, true, 0, 0).key, "sending-one"); // what is on its way goes on
  assert.equal(status(["sent"], true, true, 1, 0).key, "signed-out"); // a caption waits
});

test("files are counted, and one is spoken of as one", () => {
  assert.equal(status(["sending"], true, false, 0, 0).key, "sending-one");
  assert.deepEqual(status(["sending", "waiting", "sent"], true, false, 0, 0), { key: "sending", tone: "busy", n: 2 });
});

test("sizes read as a person says them", () => {
  assert.equal(megabytes(12_345, "en"), "12\u00a0kB");
  assert.equal(megabytes(2_950_000, "fr"), "3\u00a0MB");
  assert.equal(megabytes(2_850_000, "fr"), "2,9\u00a0MB");
  assert.equal(megabytes(131_000_000, "en"), "131\u00a0MB");
  assert.equal(megabytes(1_500_000_000, "de"), "1,5\u00a0GB");
});

test("time left is rounded up, never a false promise", () => {
  assert.equal(remaining(null), null);
  assert.deepEqual(remaining(0.4), { key: "seconds-left", n: 5 });
  assert.deepEqual(remaining(31), { key: "seconds-left", n: 35 });
  assert.deepEqual(remaining(91), { key: "minutes-left", n: 2 });
});
