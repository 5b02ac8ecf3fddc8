/** How far the film of this playlist can be played, s: without end when it is whole, not at all when it is not there. */
export async function reach(address: string): Promise<number> {
  const answer = await fetch(address).catch(() => undefined);
  const text = answer?.ok ? await answer.text().catch(() => "") : "";
  const variant = /^[^#].*\.m3u8.*$/m.exec(text);
  if (answer && variant) return reach(new URL(variant[0], answer.url).href);
  if (text.includes("#EXT-X-ENDLIST")) return Infinity;
  return [...text.matchAll(/^#EXTINF:([\d.]+)/gm)].reduce((sum, [, seconds]) => sum + Number(seconds), 0);
}
