import type Hls from "hls.js/light";

/** A film that still grows is no broadcast: who goes beyond what is there waits for it, and is not taken back to a "live"
 * place some seconds before its end. */
export function waitsAtItsEdge(hls: Hls): Hls {
  return Object.defineProperty(hls, "liveSyncPosition", { value: null });
}
