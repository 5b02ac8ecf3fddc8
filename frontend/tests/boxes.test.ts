import assert from "node:assert/strict";
import { test } from "node:test";
import { indexBehind, LARGEST_INDEX, type Place } from "../src/capture/boxes";

/** A box: `short` as its size where it lies, else its true one. */
function box(name: string, length = 0, short?: number): Uint8Array {
  const made = new Uint8Array(8 + length);
  new DataView(made.buffer).setUint32(0, short ?? made.length);
  made.set(new TextEncoder().encode(name), 4);
  return made;
}

/** A box whose size is written in 64 bits. */
function long(name: string, size: bigint, length = 0): Uint8Array {
  const made = new Uint8Array(16 + length);
  made.set(box(name, 0, 1));
  new DataView(made.buffer).setBigUint64(8, size);
  return made;
}

async function find(...parts: Uint8Array[]): Promise<{ place: Place | null; bytes: number; reads: number }> {
  const file = new Blob(parts as BlobPart[]);
  let [bytes, reads] = [0, 0];
  const place = await indexBehind(file.size, async (from, to) => {
    reads++;
    const piece = file.slice(from, to);
    bytes += piece.size;
    return piece;
  });
  return { place, bytes, reads };
}

const FTYP = box("ftyp", 12);

test("a phone's index is found behind the pictures, and only headers were read", async () => {
  const found = await find(FTYP, box("wide"), box("mdat", 5_000_000), box("moov", 4000));
  assert.deepEqual(found.place, { offset: 5_000_036, length: 4008 });
  assert.equal(found.reads, 4);
  assert.ok(found.bytes <= 64);
});

test("sizes in 64 bits, an index that reaches to the end, and what follows it", async () => {
  assert.deepEqual((await find(FTYP, long("mdat", 1016n, 1000), box("moov", 40))).place, { offset: 1036, length: 48 });
  assert.deepEqual((await find(FTYP, box("mdat", 100), box("moov", 40, 0))).place, { offset: 128, length: 48 });
  assert.deepEqual((await find(FTYP, box("mdat", 100), long("moov", 56n, 40), box("free", 9))).place, { offset: 128, length: 56 });
});

test("an index in front, or none, is nothing to send", async () => {
  for (const film of [
    [FTYP, box("moov", 40), box("mdat", 100)],
    [FTYP, box("free"), box("moov", 40), box("moof", 30), box("mdat", 100)],
    [FTYP, box("mdat", 100)],
    [FTYP, box("mdat", 100, 0)],
    [],
  ]) assert.equal((await find(...film)).place, null);
});

test("what is no film is left after its first bytes", async () => {
  for (const text of ["%PDF-1.7 and more of it", "\xff\xd8\xff\xe0\0\x10JFIF\0", "RIFF", "\0\0\0"]) {
    const found = await find(Uint8Array.from(text, (sign) => sign.charCodeAt(0)));
    assert.equal(found.place, null);
    assert.ok(found.reads <= 1);
  }
});

test("sizes that lie end the search: too small, beyond the file, without end", async () => {
  const moov = box("moov", 40);
  for (const bad of [
    box("mdat", 4, 7), // smaller than its own header
    box("mdat", 4, 1), // the long form, and no room for it but the next box's bytes
    long("mdat", 0n), long("mdat", 1n), long("mdat", 15n), // long sizes smaller than the long header
    long("mdat", 2n ** 63n), long("mdat", 2n ** 64n - 1n), // beyond every file
    box("mdat", 4, 0xffffffff),
  ]) assert.equal((await find(FTYP, bad, moov)).place, null);
  assert.equal((await find(FTYP, box("mdat", 8), box("moov", 40, 49))).place, null); // an index cut off
  assert.equal((await find(FTYP, box("mdat", 8), new Uint8Array([0, 0, 0, 1, 0x6d, 0x6f, 0x6f, 0x76, 0, 0]))).place, null);
});

test("a file of nothing but small boxes is given up after a few", async () => {
  const found = await find(FTYP, box("mdat"), ...Array<Uint8Array>(5000).fill(box("free")), box("moov", 40));
  assert.equal(found.place, null);
  assert.equal(found.reads, 64);
});

test("an index larger than the server takes stays where it is", async () => {
  const just = LARGEST_INDEX - 8;
  assert.equal((await find(FTYP, box("mdat"), box("moov", just))).place?.length, LARGEST_INDEX);
  assert.equal((await find(FTYP, box("mdat"), box("moov", just + 1))).place, null);
});
