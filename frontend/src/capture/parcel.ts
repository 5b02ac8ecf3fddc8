// A file on its way, as this page knows it.
import type { Kept } from "./keep";
import { start, type Kind } from "./start";

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

/** What the phone remembers of a file that was just chosen. */
export function fresh(file: File, kind: Kind): Kept {
  return {
    id: crypto.randomUUID(), intervention: start.intervention, kind, name: file.name, type: file.type, size: file.size,
    modified: file.lastModified, caption: "", url: null, acknowledged: 0, sliced: 0, thumbnail: null, added: Date.now(),
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

export function kindOf(file: File, chosen: Kind): Kind {
  if (file.type.startsWith("video/")) return "film";
  if (file.type.startsWith("image/")) return "photo";
  return chosen;
}
