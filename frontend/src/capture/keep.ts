// The phone's own memory of files on their way: a row for each file, and its bytes as ArrayBuffer slices.
// Slices, not File handles: Safari sends an empty body for a File read back from IndexedDB, and iOS forgets the picker's
// handle in the background. They may be the only copy of a film: they go when the server holds the whole file, or when a
// person removes it, and not before.
import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { Kind } from "./start";

export const SLICE = 4 * 1024 * 1024; // bytes

export interface Kept {
  id: string; // made here
  key?: string; // keeps a repeated creation from making a second item; the id, unless it was sent again as a new one
  intervention: string;
  kind: Kind;
  name: string;
  type: string;
  size: number;
  modified: number;
  caption: string;
  url: string | null; // of the upload, once created
  indexed?: boolean; // whether its index was sent ahead, or need not be
  acknowledged: number; // bytes the server has said it holds
  sliced: number; // bytes that reached this database
  thumbnail: ArrayBuffer | null; // a small JPEG
  added: number;
}

interface Shape extends DBSchema {
  files: { key: string; value: Kept; indexes: { intervention: string } };
  slices: { key: [string, number]; value: ArrayBuffer };
}

let opened: Promise<IDBPDatabase<Shape>> | null = null;

function database(): Promise<IDBPDatabase<Shape>> {
  opened ??= openDB<Shape>("walkaround-capture", 1, {
    upgrade(db) {
      db.createObjectStore("files", { keyPath: "id" }).createIndex("intervention", "intervention");
      db.createObjectStore("slices");
    },
  });
  return opened;
}

export async function remembered(intervention: string): Promise<Kept[]> {
  const files = await (await database()).getAllFromIndex("files", "intervention", intervention);
  return files.sort((a, b) => a.added - b.added);
}

export async function remember(file: Kept): Promise<void> {
  await (await database()).put("files", { ...file });
}

export async function forget(id: string): Promise<void> {
  const db = await database();
  const both = db.transaction(["files", "slices"], "readwrite");
  await both.objectStore("files").delete(id);
  await both.objectStore("slices").delete(IDBKeyRange.bound([id, 0], [id, Infinity]));
  await both.done;
}

/** Copy what is missing of `file` into the database, slice after slice; `onSlice` learns how many bytes are in. */
export async function slice(kept: Kept, file: Blob, onSlice: (sliced: number) => void): Promise<void> {
  const db = await database();
  for (let at = Math.floor(kept.sliced / SLICE) * SLICE; at < file.size; at += SLICE) {
    const end = Math.min(at + SLICE, file.size);
    await db.put("slices", await file.slice(at, end).arrayBuffer(), [kept.id, at / SLICE]);
    onSlice(end);
  }
}

/** A part of a kept file is not here (any more). */
export class Lost extends Error {}

/** The bytes [start, end) of a kept file. Rejects with Lost when one of them is not here. */
export async function bytes(id: string, start: number, end: number): Promise<Blob> {
  const db = await database();
  const parts: ArrayBuffer[] = [];
  for (let index = Math.floor(start / SLICE); index * SLICE < end; index++) {
    const part = await db.get("slices", [id, index]);
    if (!part) throw new Lost(`slice ${index} is not here`);
    const from = index * SLICE;
    parts.push(part.slice(Math.max(start - from, 0), Math.min(end - from, SLICE)));
  }
  return new Blob(parts);
}
