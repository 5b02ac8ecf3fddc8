// A small picture of a file, drawn on this phone. What the browser cannot read (HEIC outside Safari, PDF) has none.
import type { Kind } from "./start";

const EDGE = 240; // px, the longer edge: 96 px shown on a phone's dense screen
const PATIENCE_MS = 5000; // some phones never answer for some films

export async function thumbnail(file: File, kind: Kind): Promise<Blob | null> {
  const late = new Promise<null>((resolve) => setTimeout(resolve, PATIENCE_MS, null));
  const drawn = kind === "photo" ? photo(file) : kind === "film" ? film(file) : Promise.resolve(null);
  return Promise.race([drawn.catch(() => null), late]);
}

async function photo(file: File): Promise<Blob | null> {
  const bitmap = await createImageBitmap(file);
  const drawn = await draw(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return drawn;
}

async function film(file: File): Promise<Blob | null> {
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, preload: "auto" });
  const url = URL.createObjectURL(file);
  try {
    await new Promise((resolve, reject) => {
      video.addEventListener("loadeddata", resolve, { once: true });
      video.addEventListener("error", reject, { once: true });
      video.src = url;
    });
    return await draw(video, video.videoWidth, video.videoHeight);
  } finally {
    video.removeAttribute("src");
    video.load(); // or it goes on asking for what is revoked
    URL.revokeObjectURL(url);
  }
}

function draw(from: CanvasImageSource, width: number, height: number): Promise<Blob | null> {
  const scale = Math.min(1, EDGE / Math.max(width, height));
  const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(width * scale), height: Math.round(height * scale) });
  canvas.getContext("2d")!.drawImage(from, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
}
