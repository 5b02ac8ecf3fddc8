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
import { feed } from "./_feed";

const CONTROLS = `
<media-loading-indicator slot="centered-chrome" noautohide loadingdelay="300"></media-loading-indicator>
<div class="bars"><media-control-bar><media-time-range></media-time-range></media-control-bar>
<media-control-bar>
  <media-play-button></media-play-button><media-mute-button></media-mute-button>
  <media-time-display showduration></media-time-display><span class="gap"></span>
  <media-playback-rate-button rates="0.5 1 1.5 2"></media-playback-rate-button><media-fullscreen-button></media-fullscreen-button>
</media-control-bar></div>`;

/** Puts the player over the poster and plays. `video` has been asked to play inside the viewer's gesture; `few` versions
 * of the film were there then, others are to come. */
export async function start(screen: HTMLElement, video: HTMLVideoElement, few: boolean): Promise<void> {
  const controller = document.createElement("media-controller");
  controller.setAttribute("autohide", "2");
  for (const way of ["backward", "forward"]) controller.setAttribute(`keyboard${way}seekoffset`, "5"); // s: these films are short
  controller.lang = document.documentElement.lang;
  screen.append(controller); // first, since its parts write into style sheets, which they have only in a document
  video.slot = "media";
  controller.append(video);
  const fed = feed(screen, video, screen.dataset.playlist ?? "", few); // by the size it has there a version is chosen
  await speak(document.documentElement.lang);
  if (!controller.isConnected) return; // it cannot be played here, which has been said
  controller.insertAdjacentHTML("beforeend", CONTROLS);
  storyboard(screen.closest<HTMLElement>(".film") ?? screen);

  video.addEventListener("playing", () => (screen.dataset.state = "playing"), { once: true });
  video.addEventListener("play", () => {
    for (const other of document.querySelectorAll("video")) if (other !== video) other.pause();
  });
  await fed;
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

async function speak(language: string): Promise<void> {
  if (language === "fr") {
    const { Fr } = await import("media-chrome/dist/lang/fr.js");
    Object.assign(Fr, { "Playback rate": "Vitesse", "Playback rate {playbackRate}": "Vitesse {playbackRate}", "current playback rate": "vitesse actuelle" });
  }
  if (language === "de") await import("media-chrome/dist/lang/de.js");
}
