// Chromium says "maybe" to HLS and then stalls on compressed playlists; the browsers that do it well have
// ManagedMediaSource as well.
export function playsNatively(video: Pick<HTMLVideoElement, "canPlayType">, browser: object = window): boolean {
  return "ManagedMediaSource" in browser && video.canPlayType("application/vnd.apple.mpegurl") !== "";
}
