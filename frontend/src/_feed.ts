// What a film's <video> is fed with: by the browser itself where it plays HLS well, otherwise by hls.js. A film that is
// made anew while it is watched is waited for.
import type Hls from "hls.js/light";
import { waitsAtItsEdge } from "./_edge";
import { handing } from "./_handing";
import { playsNatively } from "./_native";
import { reach } from "./_reach";
import { renew } from "./_renew";
import { tell } from "./_tell";

const AGAIN_MS = 3000;
const ENOUGH_S = 1; // beyond its place, for a film to go on
const BACK_S = 0.1; // at the very end of what there is, there is no picture

export async function feed(screen: HTMLElement, video: HTMLVideoElement, playlist: string, few: boolean): Promise<void> {
  const light = playsNatively(video) ? undefined : (await import("hls.js/light")).default;
  let [mended, tried, waiting] = [0, 0, false];
  let hope: number | undefined; // tries that are left, once nothing more is to come
  let current: Hls | undefined;
  let turn = Promise.resolve();

  // Once more from where it is, one after the other: gone with what feeds it are place, speed, and whether it plays.
  const again = (): Promise<void> =>
    (turn = turn.then(async () => {
      const { currentTime, paused, playbackRate } = video;
      const bits = current?.bandwidthEstimate;
      current?.destroy();
      await play(Math.max(0, currentTime - BACK_S), bits);
      video.playbackRate = playbackRate;
      if (!paused) await video.play().catch(() => undefined);
    }));

  // A player learns which versions there are only once. Its list may still be on its way: then it is asked again.
  const more = (): void => {
    if (!few || waiting || screen.closest(".film[data-partial]") || current?.levels.length === 0) return;
    few = false;
    if (!current || current.levels.length < 2) void again();
  };

  const end = (): void => {
    document.removeEventListener("grown", more);
    current?.destroy();
    tell(screen);
  };

  // What was listed may be made anew, and be away until then: what is buffered stays to be seen, and the film goes on
  // where it was as soon as there is so much of it again.
  const lost = async (): Promise<void> => {
    if (waiting) return;
    waiting = true;
    await renew().catch(() => undefined);
    const fresh = screen.dataset.playlist ?? playlist;
    if (fresh !== playlist) hope = 1; // its address was over, which is no sign of what there is
    playlist = fresh;
    for (hope ??= video.currentTime ? 2 : 0; grows(screen) ? (hope = 2) : hope--; ) {
      if (tried++) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      if ((await reach(playlist)) < video.currentTime + ENOUGH_S) continue;
      waiting = false;
      return again();
    }
    end();
  };

  // `from`, s: a film that still grows is not a live broadcast, it begins at its beginning. `bits`/s: what the line takes,
  // if that is known.
  const play = async (from: number, bits?: number): Promise<unknown> => {
    if (!light) {
      video.src = playlist;
      return from && video.addEventListener("loadedmetadata", () => (video.currentTime = from), { once: true });
    }
    const hls = (current = waitsAtItsEdge(new light({
      startPosition: from,
      enableWorker: false, // fMP4 passes through as it is
      startFragPrefetch: true, // read before there is a buffer to put it in, which else costs it one of its ticks of 0.1 s
      capLevelToPlayerSize: true,
      backBufferLength: 120, // s
      loader: handing(light.DefaultConfig.loader),
      ...(bits && { abrEwmaDefaultEstimate: bits }),
    })));
    // The version whose beginning was asked for ahead; after that, whichever the line takes.
    const opening = `/${screen.dataset.opening?.split(" ")[0]}`;
    if (!from) hls.once(light.Events.MANIFEST_PARSED, () => (hls.startLevel = hls.levels.findIndex(({ uri }) => uri.endsWith(opening))));
    hls.on(light.Events.ERROR, (_, { fatal, type }) => {
      if (!fatal || waiting) return;
      if (type === light.ErrorTypes.NETWORK_ERROR) return void lost();
      if (type === light.ErrorTypes.MEDIA_ERROR && mended++ < 2) return hls.recoverMediaError();
      end();
    });
    hls.on(light.Events.MANIFEST_PARSED, () => setTimeout(more));
    hls.loadSource(playlist);
    hls.attachMedia(video);
    return new Promise((resolve) => hls.once(light.Events.MEDIA_ATTACHED, resolve));
  };
  if (!light) video.addEventListener("error", () => void lost());
  document.addEventListener("grown", more);
  await play(0);
}

// Whether more of the film is to come, by what the page last heard of it.
function grows(screen: HTMLElement): boolean {
  const stage = screen.closest<HTMLElement>(".film")?.dataset.stage;
  return stage === "playable" || stage === "waiting";
}
