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

/** Feeds `video` until what it gives back is called. `screen` lies in a `.film` whose `data-stage` and `data-partial` say
 * what is still to come, and under a `data-broken`, what is said when it cannot be played. */
export async function feed(screen: HTMLElement, video: HTMLVideoElement, playlist: string, few: boolean): Promise<() => void> {
  const light = playsNatively(video) ? undefined : (await import("hls.js/light")).default;
  let [mended, tried, waiting, over] = [0, 0, false, false];
  let hope: number | undefined; // tries that are left, once nothing more is to come
  let current: Hls | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let place = 0; // s, while there is nothing of the film in the video

  const at = (): number => (place = video.readyState > 1 ? video.currentTime : video.currentTime || place);

  // Once more from where it is, one after the other: gone with what feeds it are place, speed, and whether it plays.
  const again = (): Promise<unknown> =>
    (turn = turn.catch(() => undefined).then(async () => {
      if (over) return;
      const { paused, playbackRate } = video;
      const [from, bits] = [Math.max(0, at() - BACK_S), current?.bandwidthEstimate];
      current?.destroy();
      await play(from, bits);
      video.playbackRate = playbackRate;
      if (!paused) video.play().catch(() => undefined); // not awaited: it may be long before there is something to play
    }));

  // A player learns which versions there are only once. Its list may still be on its way: then it is asked again.
  const more = (): void => {
    if (over || !few || waiting || current?.levels.length === 0) return;
    if (screen.closest('.film:is([data-partial], [data-stage="waiting"], [data-stage="gone"])')) return;
    // Seen to its end: it has them when it is begun again.
    if (video.ended) return video.addEventListener("play", () => ((place = 0), more()), { once: true });
    few = false;
    if (!current || current.levels.length < 2) void again();
  };

  const stop = (): void => {
    over = true;
    document.removeEventListener("grown", more);
    current?.destroy();
  };

  const end = (): void => {
    stop();
    tell(screen);
  };

  // What was listed may be made anew, and be away until then: what is buffered stays to be seen, and the film goes on
  // where it was as soon as there is so much of it again.
  const lost = async (): Promise<void> => {
    if (waiting || over) return;
    waiting = true;
    await renew().catch(() => undefined);
    const fresh = screen.dataset.playlist ?? playlist;
    if (fresh !== playlist) hope = 1; // its address was over, which is no sign of what there is
    playlist = fresh;
    for (hope ??= at() ? 2 : 0; grows(screen) ? (hope = 2) : hope--; ) {
      if (tried++) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      if (over) return;
      if ((await reach(playlist)) < at() + ENOUGH_S) continue;
      waiting = false;
      return void again();
    }
    if (!over) end();
  };

  // `from`, s: a film that still grows is not a live broadcast, it begins at its beginning. `bits`/s: what the line takes,
  // if that is known.
  const play = async (from: number, bits?: number): Promise<unknown> => {
    if (!light) {
      few = !!screen.closest(".film[data-partial]"); // as of the list that is asked for now
      video.src = playlist;
      return video.addEventListener("loadedmetadata", () => video.currentTime === from || (video.currentTime = from), { once: true });
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
    const opening = screen.dataset.opening && `/${screen.dataset.opening.split(" ")[0]}`;
    if (opening && !from) hls.once(light.Events.MANIFEST_PARSED, () => (hls.startLevel = hls.levels.findIndex(({ uri }) => uri.endsWith(opening))));
    hls.on(light.Events.ERROR, (_, { fatal, type }) => {
      if (!fatal || waiting || over) return;
      if (type === light.ErrorTypes.NETWORK_ERROR) return void lost();
      if (type === light.ErrorTypes.MEDIA_ERROR && mended++ < 2) return hls.recoverMediaError();
      end();
    });
    hls.on(light.Events.MANIFEST_PARSED, () => setTimeout(more));
    hls.loadSource(playlist);
    hls.attachMedia(video);
    return new Promise<void>((resolve) => {
      hls.once(light.Events.MEDIA_ATTACHED, () => resolve());
      hls.once(light.Events.DESTROYING, () => resolve());
    });
  };
  if (!light) video.addEventListener("error", () => void lost());
  else if (!light.isSupported()) {
    end(); // no media source of any kind, and no HLS of the browser's own
    return stop;
  }
  document.addEventListener("grown", more);
  await (turn = play(0));
  return stop;
}

// Whether more of the film is to come, by what the page last heard of it.
function grows(screen: HTMLElement): boolean {
  const stage = screen.closest<HTMLElement>(".film")?.dataset.stage;
  return stage === "playable" || stage === "waiting";
}
