// The player, fetched when it is wanted: media-chrome's controls (only those used here) round a <video>, fed by the
// browser itself where it plays HLS well, otherwise by hls.js.
import "media-chrome/dist/media-controller.js";
import "media-chrome/dist/media-control-bar.js";
import "media-chrome/dist/media-fullscreen-button.js";
import "media-chrome/dist/media-loading-indicator.js";
import "media-chrome/dist/media-mute-button.js";
import "media-chrome/dist/media-play-button.js";
import "media-chrome/dist/media-playback-rate-button.js";
import "media-chrome/dist/media-time-display.js";
import "media-chrome/dist/media-time-range.js";
import { playsNatively } from "./_native";
import { tell } from "./_tell";

const CONTROLS = `
<media-loading-indicator slot="centered-chrome" noautohide loadingdelay="300"></media-loading-indicator>
<div class="bars"><media-control-bar><media-time-range></media-time-range></media-control-bar>
<media-control-bar>
  <media-play-button></media-play-button><media-mute-button></media-mute-button>
  <media-time-display showduration></media-time-display><span class="gap"></span>
  <media-playback-rate-button rates="0.5 1 1.5 2"></media-playback-rate-button><media-fullscreen-button></media-fullscreen-button>
</media-control-bar></div>`;

/** Puts the player over the poster and plays. `video` has been asked to play inside the viewer's gesture. */
export async function start(screen: HTMLElement, video: HTMLVideoElement): Promise<void> {
  await speak(document.documentElement.lang);
  const controller = document.createElement("media-controller");
  controller.setAttribute("autohide", "2");
  controller.lang = document.documentElement.lang;
  screen.append(controller); // first, since its parts write into style sheets, which they have only in a document
  controller.innerHTML = CONTROLS;
  video.slot = "media";
  controller.prepend(video);
  storyboard(screen.closest<HTMLElement>(".film") ?? screen);

  video.addEventListener("playing", () => (screen.dataset.state = "playing"), { once: true });
  video.addEventListener("play", () => {
    for (const other of document.querySelectorAll("video")) if (other !== video) other.pause();
  });
  await feed(screen, video, screen.dataset.playlist ?? "");
  await video.play().catch(() => undefined); // refused without a gesture: the controls are there
  controller.focus({ preventScroll: true });
  whole(screen);
}

// A film that is partly out of sight moves to where all of it is seen, controls and all.
function whole(screen: HTMLElement): void {
  const { top, bottom } = screen.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) screen.scrollIntoView({ block: "start" });
}

/** Gives the seek bar its pictures, as soon as there are any. */
export function storyboard(film: HTMLElement): void {
  const video = film.querySelector("video");
  if (!video || !film.dataset.storyboard || video.querySelector("track")) return;
  const track = document.createElement("track");
  Object.assign(track, { kind: "metadata", label: "thumbnails", default: true, src: film.dataset.storyboard });
  video.append(track);
}

async function feed(screen: HTMLElement, video: HTMLVideoElement, playlist: string): Promise<void> {
  if (playsNatively(video)) {
    video.addEventListener("error", () => tell(screen));
    video.src = playlist;
    return;
  }
  const { default: Hls } = await import("hls.js/light");
  let [mended, reread] = [0, 0];
  // `from`, s: a film that still grows is not a live broadcast, it begins at its beginning.
  const play = (from: number): Promise<unknown> => {
    const hls = new Hls({
      startPosition: from,
      enableWorker: false, // fMP4 passes through as it is
      capLevelToPlayerSize: true,
      backBufferLength: 120, // s
    });
    hls.on(Hls.Events.ERROR, (_, { fatal, type }) => {
      if (!fatal) return;
      if (type === Hls.ErrorTypes.MEDIA_ERROR && mended++ < 2) return hls.recoverMediaError();
      hls.destroy();
      // What was listed when it was read may have been made anew since: the list is read again, and the place is kept.
      if (type === Hls.ErrorTypes.NETWORK_ERROR && video.currentTime && reread++ < 2) {
        return void play(video.currentTime).then(() => video.play()).catch(() => undefined);
      }
      tell(screen);
    });
    hls.loadSource(playlist);
    hls.attachMedia(video);
    return new Promise((resolve) => hls.once(Hls.Events.MEDIA_ATTACHED, resolve));
  };
  await play(0);
}

async function speak(language: string): Promise<void> {
  if (language === "fr") {
    const { Fr } = await import("media-chrome/dist/lang/fr.js");
    Object.assign(Fr, { "Playback rate": "Vitesse", "Playback rate {playbackRate}": "Vitesse {playbackRate}", "current playback rate": "vitesse actuelle" });
  }
  if (language === "de") await import("media-chrome/dist/lang/de.js");
}
