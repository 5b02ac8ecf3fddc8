// Chromium says "maybe" to HLS and then stalls on compressed playlists; the browsers that do it well have
// ManagedMediaSource as well. iPhones before iOS 17.1 have no media source of any kind: hls.js has nothing to stand on there.
const SOURCES = ["MediaSource", "ManagedMediaSource", "WebKitMediaSource"];

export function playsNatively(
  video: Pick<HTMLVideoElement, "canPlayType"> = document.createElement("video"), browser: object = window,
): boolean {
  if (video.canPlayType("application/vnd.apple.mpegurl") === "") return false;
  return "ManagedMediaSource" in browser || !SOURCES.some((name) => name in browser);
}
