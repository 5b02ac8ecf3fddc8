// The one sentence at the top of the page, and the numbers in it.
import type { Phase } from "./sender";

export type Tone = "calm" | "busy" | "waiting" | "good" | "bad";

export interface Status {
  key: string;
  tone: Tone;
  left: number; // files that are not safe yet
}

/** What a technician with one glance needs to know. `making`, `refused`: items the server works on, or cannot use. */
export function status(phases: Phase[], online: boolean, signedOut: boolean, items: number, making: number, refused = 0): Status {
  const left = phases.filter((phase) => ["waiting", "sending", "resting", "held"].includes(phase)).length;
  if (signedOut && left) return { key: "signed-out", tone: "bad", left };
  if (left && (!online || phases.includes("resting"))) return { key: "no-network", tone: "waiting", left };
  if (phases.includes("held")) return { key: "held", tone: "waiting", left };
  if (left) return { key: left === 1 ? "sending-one" : "sending", tone: "busy", left };
  if (phases.includes("missing")) return { key: "missing-some", tone: "bad", left };
  if (phases.includes("refused")) return { key: "some-unsent", tone: "bad", left };
  if (refused) return { key: "some-refused", tone: "bad", left };
  if (making) return { key: "sent-making", tone: "good", left };
  if (items) return { key: "sent", tone: "good", left };
  return { key: "nothing", tone: "calm", left };
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
