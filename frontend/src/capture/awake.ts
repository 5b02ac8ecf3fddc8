// Keeps the screen on while something is being sent: a locked phone stops our script.
let wanted = false;
let lock: WakeLockSentinel | null = null;

async function ask(): Promise<void> {
  if (!wanted || document.visibilityState !== "visible") return;
  lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null; // refused on low battery: not our choice
  if (!wanted) await lock?.release();
}

document.addEventListener("visibilitychange", () => void ask()); // the browser drops the lock when the page is hidden

export function awake(needed: boolean): void {
  if (needed === wanted) return;
  wanted = needed;
  if (needed) void ask();
  else void lock?.release();
}
