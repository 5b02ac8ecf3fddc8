// Whether a dealer's logo is light or dark, from its own pixels: the style gives it a ground where the page would swallow it.
const EDGE = 64; // px: enough to count

export async function logo(): Promise<void> {
  const picture = document.querySelector<HTMLImageElement>("img.logo");
  if (!picture || !(await picture.decode().then(() => true, () => false))) return;
  const canvas = Object.assign(document.createElement("canvas"), { width: EDGE, height: EDGE });
  const context = canvas.getContext("2d");
  if (!context) return;
  context.drawImage(picture, 0, 0, EDGE, EDGE);
  const found = tone(context.getImageData(0, 0, EDGE, EDGE).data);
  if (found) picture.dataset.tone = found;
}

/** `pale` when most of what is drawn is lost on white paper, `deep` when it is lost on black; of RGBA bytes. A logo that
 * brings its own ground, and one that is neither, need nothing. */
export function tone(rgba: ArrayLike<number>): "pale" | "deep" | null {
  let [drawn, pale, deep] = [0, 0, 0];
  for (let at = 0; at < rgba.length; at += 4) {
    if (rgba[at + 3]! < 128) continue;
    drawn++;
    const light = 0.2126 * linear(rgba[at]!) + 0.7152 * linear(rgba[at + 1]!) + 0.0722 * linear(rgba[at + 2]!);
    if (1.05 / (light + 0.05) < 2) pale++; // contrast with white
    else if ((light + 0.05) / 0.06 < 3) deep++; // contrast with a page that is nearly black
  }
  if (drawn > 0.98 * (rgba.length / 4)) return null;
  return pale > deep && pale > drawn / 3 ? "pale" : deep > drawn / 3 ? "deep" : null;
}

function linear(value: number): number {
  const part = value / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}
