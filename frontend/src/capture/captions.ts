// Captions that were written here and that the server has not taken yet, by the upload or item they belong to: they outlive
// a lost network, an ended sign-in and a reload of the page.
const NAME = "caption/";
const written = new Map<string, string>();

export function keepCaption(of: string, text: string): void {
  written.set(of, text);
  try {
    localStorage.setItem(NAME + of, text);
  } catch {
    // Full or closed: only a reload loses it.
  }
}

/** `undefined`: the server has the last word. */
export function captionOf(of: string): string | undefined {
  if (!written.has(of)) {
    try {
      const text = localStorage.getItem(NAME + of);
      if (text !== null) written.set(of, text);
    } catch {
      // Nothing was kept.
    }
  }
  return written.get(of);
}

/** The server has `text`; what was written since stays. */
export function forgetCaption(of: string, text: string): void {
  if (written.get(of) !== text) return;
  written.delete(of);
  try {
    localStorage.removeItem(NAME + of);
  } catch {
    // It was not kept there either.
  }
}

/** Whether some were written on this page that are nowhere else. */
export function owesCaptions(): boolean {
  return written.size > 0;
}
