// The small pictures this phone drew, by upload: they outlive a reload of the page, until the server has its own.
const kept = new Map<string, string | null>();

export function keepPicture(upload: string, jpeg: ArrayBuffer): void {
  if (pictureOf(upload)) return;
  const picture = `data:image/jpeg;base64,${btoa(String.fromCharCode(...new Uint8Array(jpeg)))}`;
  kept.set(upload, picture);
  try {
    sessionStorage.setItem(`picture/${upload}`, picture);
  } catch {
    // Full or closed: a reload shows an icon instead.
  }
}

export function pictureOf(upload: string): string | null {
  if (!kept.has(upload)) {
    try {
      kept.set(upload, sessionStorage.getItem(`picture/${upload}`));
    } catch {
      kept.set(upload, null);
    }
  }
  return kept.get(upload)!;
}
