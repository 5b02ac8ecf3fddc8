// The one sentence at the top of the page, and the numbers in it.
import type { Phase } from "./parcel";

export type Tone = "calm" | "busy" | "waiting" | "good" | "bad";

export interface Status {
  key: string;
  tone: Tone;
  n: number; // of files, in the sentence
  second?: { key: string; n: number }; // said below, in red: it changes nothing for the phone, but needs a person
}

/** What a technician with one glance needs to know. `making`, `refused`: items the server works on, or cannot use.
 * What concerns the phone comes first: a file the server cannot use has been sent, and says the rest on its own card. */
export function status(phases: Phase[], online: boolean, signedOut: boolean, items: number, making: number, refused = 0): Status {
  const first = phone(phases, online, signedOut, items, making);
  if (!refused) return first;
  const unusable = counted("some-refused", refused);
  if (first.tone === "good" && !making && refused >= items) return { ...unusable, tone: "bad" };
  return { ...first, second: unusable };
}

function phone(phases: Phase[], online: boolean, signedOut: boolean, items: number, making: number): Status {
  const n = phases.filter((phase) => ["waiting", "sending", "resting", "held"].includes(phase)).length;
  const missing = phases.filter((phase) => phase === "missing").length;
  const unsent = phases.filter((phase) => phase === "refused").length;
  if (signedOut && !phases.includes("sending")) return { key: "signed-out", tone: "bad", n };
  if (n && online && phases.includes("sending")) return sending(n); // whatever the others wait for
  if (n && (!online || phases.includes("resting"))) return { key: "no-network", tone: "waiting", n };
  if (phases.includes("held")) return { key: "held", tone: "waiting", n };
  if (n) return sending(n);
  if (missing) return { ...counted("missing-some", missing), tone: "bad" };
  if (unsent) return { ...counted("some-unsent", unsent), tone: "bad" };
  if (making) return { key: "sent-making", tone: "good", n };
  if (items) return { key: "sent", tone: "good", n };
  return { key: "nothing", tone: "calm", n };
}

function sending(n: number): Status {
  return { key: n === 1 ? "sending-one" : "sending", tone: "busy", n };
}

function counted(key: string, n: number): { key: string; n: number } {
  return { key: n === 1 ? key : `${key}-many`, n };
}

export function megabytes(bytes: number, language: string): string {
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${value.toLocaleString(language, { maximumFractionDigits: value < 10 ? 1 : 0 })}\u00a0${unit}`;
}

/** Time left in words a hand in a glove can read: seconds by fives, then minutes. */
export function remaining(seconds: number | null): { key: string; n: number } | null {
  if (seconds === null) return null;
  if (seconds < 90) return { key: "seconds-left", n: Math.max(5, Math.ceil(seconds / 5) * 5) };
  return { key: "minutes-left", n: Math.ceil(seconds / 60) };
}
