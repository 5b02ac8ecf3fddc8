// A file on its way, as this page knows it.
import type { Kept } from "./keep";
import { start, t, type Kind } from "./start";
import { uuid } from "./uuid";

export type Phase = "waiting" | "sending" | "resting" | "held" | "sent" | "refused" | "missing"; // held: resting as the server asked

export interface Parcel {
  kept: Kept;
  file: File | null; // while this page has it in memory
  phase: Phase;
  message: string;
  picture: string | null; // object URL of the thumbnail
  failures: number; // in a row
  due: number; // when it may be tried again, on the clock of performance.now
}

export function parcelOf(kept: Kept, file: File | null, phase: Phase): Parcel {
  return { kept, file, phase, message: "", picture: null, failures: 0, due: 0 };
}

/** A file that was just chosen; one that is too large is refused here. */
export function chosen(file: File, kind: Kind): Parcel {
  const parcel = parcelOf(fresh(file, kindOf(file, kind)), file, "waiting");
  return file.size > start.max ? { ...parcel, phase: "refused", message: t("too-large") } : parcel;
}

let last = 0;

/** What the phone remembers of a file that was just chosen. Of several at once, too, each knows its place. */
function fresh(file: File, kind: Kind): Kept {
  last = Math.max(Date.now(), last + 1);
  return {
    id: uuid(), intervention: start.intervention, kind, name: file.name, type: file.type, size: file.size,
    modified: file.lastModified, caption: "", url: null, acknowledged: 0, sliced: 0, thumbnail: null, added: last,
  };
}

/** All of a file that was refused is still here, and it is worth another try. */
export function canSendAgain({ kept, file, phase }: Parcel): boolean {
  return phase === "refused" && kept.size <= start.max && (file !== null || kept.sliced >= kept.size);
}

/** Whether the picker's file is still there: the browser forgets it, or a person deletes it. */
export async function readable(file: File): Promise<boolean> {
  return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}

const ENDINGS: [RegExp, Kind][] = [
  [/\.(mov|mp4|m4v|3gp|webm|mkv|avi|mts|m2ts)$/i, "film"],
  [/\.(hei[cf]|jpe?g|png|webp|avif|gif)$/i, "photo"],
  [/\.pdf$/i, "document"],
];

/** What to call a file until the server has looked at it. Phones give files of newer kinds no type (HEIC, MOV). */
export function kindOf({ type, name }: { type: string; name: string }, chosen: Kind): Kind {
  if (type.startsWith("video/")) return "film";
  if (type.startsWith("image/")) return "photo";
  return ENDINGS.find(([ending]) => ending.test(name))?.[1] ?? chosen;
}
