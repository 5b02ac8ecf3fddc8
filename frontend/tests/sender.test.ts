import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kept } from "../src/capture/keep";
import type { Parcel } from "../src/capture/parcel";
import type { Sender } from "../src/capture/sender";

const WORDS: Record<string, unknown> = { start: { intervention: "i", token: "t", endpoint: "/files", max: 1000, items: [] }, words: {} };
const NOTHING = (): void => undefined;
Object.assign(globalThis, {
  addEventListener: NOTHING,
  document: {
    addEventListener: NOTHING, visibilityState: "hidden", createElement: () => ({}),
    getElementById: (id: string) => ({ textContent: JSON.stringify(WORDS[id]) }), querySelector: () => ({ content: "" }),
  },
});
Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
// As on plain HTTP, where a page is given less: what is missing there must stop nothing.
Object.defineProperty(crypto, "randomUUID", { value: undefined });
const { uuid } = await import("../src/capture/uuid");
const { canSendAgain, kindOf } = await import("../src/capture/parcel");
const { Sender: Made } = await import("../src/capture/sender");
const { Broken } = await import("../src/capture/line");

/** A sender that never gets further than `answers`, and the names of the files its memory was told to forget. */
function sender(...answers: (number | Error | "arrived" | "nobody")[]): { sender: Sender; forgotten: string[]; tried: Kept[] } {
  const [forgotten, tried]: [string[], Kept[]] = [[], []];
  const memory = {
    remembered: async () => [],
    remember: async () => undefined,
    forget: async (id: string) => void forgotten.push(id),
    slice: async (kept: Kept, _: Blob, onSlice: (sliced: number) => void) => onSlice(kept.size),
  };
  const line = async (kept: Kept): Promise<void> => {
    tried.push({ ...kept });
    const answer = answers.shift();
    if (answer === "nobody") throw new Broken(0, "no answer"); // not even to its creation
    kept.url ??= `/files/${tried.length}`;
    kept.acknowledged = 4;
    if (answer === undefined) return new Promise(NOTHING);
    if (answer instanceof Error) throw answer;
    if (answer !== "arrived") throw new Broken(answer, "no", answer === 429 ? 1 : 0);
  };
  return { sender: new Made(memory as never, line as never), forgotten, tried };
}

function file(name = "IMG_1.pdf"): File {
  return new File(["film"], name, { type: "application/pdf" });
}

async function add(to: Sender, ...files: File[]): Promise<void> {
  to.add(files.length ? files : [file()], "document");
  await new Promise((resolve) => setTimeout(resolve, 20));
}

const phases = (of: Sender): string[] => of.parcels.map(({ phase }: Parcel) => phase);

test("an id is a random UUID, also where the browser makes none", () => {
  const made = Array.from({ length: 200 }, uuid);
  assert.equal(new Set(made).size, 200);
  for (const one of made) assert.match(one, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("a file that cannot be taken up is told of, and the others go", async (context) => {
  context.mock.method(console, "error", NOTHING);
  const broken = file("broken.pdf");
  Object.defineProperty(broken, "size", { get: () => assert.fail("the browser has no such file") });
  const { sender: made } = sender("arrived", "arrived");
  await add(made, broken, file("photo.pdf"));
  assert.deepEqual([made.untaken, phases(made)], [true, ["sent"]]);
  await add(made, file("again.pdf"));
  assert.equal(made.untaken, false);
});

test("whatever the server answers, the phone's own copy stays", async () => {
  for (const status of [400, 403, 404, 410, 413, 415, 429, 503]) {
    const { sender: made, forgotten } = sender(status);
    await add(made);
    assert.deepEqual(forgotten, [], String(status));
    await made.remove(made.parcels[0]!);
    assert.equal(forgotten.length, 1, String(status));
  }
});

test("a refused file is sent again as a new upload from its first byte, and forgotten once it has arrived", async () => {
  const { sender: made, forgotten, tried } = sender(404, "arrived");
  await add(made);
  const parcel = made.parcels[0]!;
  assert.equal(parcel.phase, "refused");
  assert.ok(canSendAgain(parcel));
  made.again(parcel);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(parcel.phase, "sent");
  assert.deepEqual([tried[1]!.url, tried[1]!.acknowledged], [null, 0]);
  assert.notEqual(tried[1]!.key, tried[0]!.key ?? tried[0]!.id);
  assert.deepEqual(forgotten, [parcel.kept.id]);
});

test("a server that asks for patience is waited for", async () => {
  for (const [status, phase] of [[429, "held"], [503, "resting"]] as const) {
    const { sender: made } = sender(status);
    await add(made);
    assert.equal(made.parcels[0]!.phase, phase);
  }
});

test("files behind one that the server does not take now do not wait for it", async () => {
  const { sender: made, tried } = sender(429, "arrived", "arrived");
  await add(made, file("film.pdf"), file("photo-1.pdf"), file("photo-2.pdf"));
  assert.deepEqual(phases(made), ["held", "sent", "sent"]);
  assert.deepEqual(tried.map(({ name }) => name), ["film.pdf", "photo-1.pdf", "photo-2.pdf"]);
});

test("where nobody answers, all files wait, and the next one is tried first", async () => {
  const { sender: made, tried } = sender(0, "arrived", "arrived");
  await add(made, file("film.pdf"), file("photo.pdf"));
  assert.deepEqual(phases(made), ["resting", "waiting"]);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.deepEqual(tried.map(({ name }) => name), ["film.pdf", "photo.pdf", "film.pdf"]);
  assert.deepEqual(phases(made), ["sent", "sent"]);
});

test("files that were chosen together come to the server in their order, though nobody answered the first", async () => {
  const { sender: made, tried } = sender("nobody", "arrived", "arrived", "arrived");
  await add(made, file("photo-1.pdf"), file("photo-2.pdf"), file("photo-3.pdf"));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.deepEqual(tried.map(({ name }) => name), ["photo-1.pdf", "photo-1.pdf", "photo-2.pdf", "photo-3.pdf"]);
  const times = made.parcels.map(({ kept }) => kept.added); // by which a reload finds them again
  assert.deepEqual(times, [...new Set(times)].sort((a, b) => a - b));
});

test("a dealership's quota is named, and is not called a lost network", async () => {
  const { sender: made } = sender(new Broken(429, "no room", 1, false, "unfinished"));
  await add(made);
  assert.deepEqual([made.parcels[0]!.phase, made.parcels[0]!.message], ["held", "card-unfinished"]);
});

test("bytes that the phone no longer has are asked for, and sent from where the server is", async () => {
  const gone = file();
  gone.slice = () => ({ arrayBuffer: () => Promise.reject(new DOMException("", "NotReadableError")) }) as never;
  const { sender: made, forgotten, tried } = sender(0, new Broken(0, "slice 0 is not here", 0, true), "arrived");
  await add(made, gone);
  assert.deepEqual(phases(made), ["missing"]); // not in the picker's file, not in the slices
  assert.deepEqual(forgotten, []);
  await add(made, file());
  assert.deepEqual(phases(made), ["sent"]);
  assert.deepEqual(tried.map(({ acknowledged }) => acknowledged), [0, 4, 4]);
});

test("a file that comes without a type is called what its name says, and else what was asked for", () => {
  const called = (name: string, type = ""): string => kindOf({ name, type }, "document");
  assert.deepEqual(["IMG_1.HEIC", "IMG_2.MOV", "offer.PDF", "notes"].map((name) => called(name)), ["photo", "film", "document", "document"]);
  assert.equal(called("IMG_3.heic", "video/mp4"), "film");
  assert.equal(kindOf({ name: "unnamed", type: "" }, "film"), "film");
});
