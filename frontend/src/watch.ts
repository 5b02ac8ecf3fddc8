// The customer's page. It is complete without this file; here it says that it was seen, looks for media still being made,
// and hands the gallery and, on the first touch of a film, the player their work.
import { gallery } from "./_gallery";
import { logo } from "./_logo";
import { tell } from "./_tell";

const page = document.querySelector<HTMLElement>(".page");
const GROWING_MS = 4000;

let loading: Promise<typeof import("./_player")> | undefined;
function player(): Promise<typeof import("./_player")> {
  if (!loading && !("ManagedMediaSource" in window)) void import("hls.js/light").catch(() => undefined); // at the same time
  return (loading ??= import("./_player"));
}

function films(): void {
  // A finger or pointer on its way to the button is the moment to fetch the player: not earlier, on the customer's data.
  for (const sign of ["pointerover", "touchstart", "focusin"])
    document.addEventListener(sign, (event) => within(event, ".start") && void player(), { passive: true });
  document.addEventListener("click", (event) => {
    const screen = within(event, ".start")?.closest<HTMLElement>(".screen");
    if (screen) void play(screen);
  });
}

async function play(screen: HTMLElement): Promise<void> {
  const video = document.createElement("video");
  video.playsInline = true;
  // Asked inside the gesture, while there is nothing to play yet: this is what lets it start later with its sound.
  video.play().catch(() => undefined);
  screen.dataset.state = "loading";
  screen.querySelector(".broken")?.remove();
  try {
    await (await player()).start(screen, video);
  } catch {
    loading = undefined; // a lost network: the next touch fetches it again
    tell(screen);
  }
}

// A GET changes nothing (mail scanners open every link): that a person sees the page, the page says itself.
function seen(link: string, csrf: string): void {
  const say = () =>
    requestAnimationFrame(() =>
      setTimeout(() => void fetch(`/w/${link}/opened`, { method: "POST", headers: { "X-CSRF-Token": csrf }, keepalive: true })),
    );
  if (document.visibilityState === "visible") say();
  else document.addEventListener("visibilitychange", say, { once: true });
}

async function grow(): Promise<void> {
  while (page && "growing" in page.dataset) {
    await new Promise((resolve) => setTimeout(resolve, GROWING_MS));
    if (document.visibilityState !== "visible") continue;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => undefined);
    if (answer?.status === 404) return location.reload();
    if (answer?.ok) merge(page, new DOMParser().parseFromString(await answer.text(), "text/html"));
  }
}

// Takes from a newer copy of this page what has changed, and leaves a film alone that somebody may be watching.
function merge(page: HTMLElement, fresh: Document): void {
  if (!fresh.querySelector("[data-growing]")) delete page.dataset.growing;
  document.getElementById("nothing")?.toggleAttribute("hidden", !fresh.getElementById("nothing"));
  for (const id of ["films", "photos", "papers"]) {
    const [here, there] = [document.getElementById(id), fresh.getElementById(id)];
    if (!here || !there) continue;
    here.hidden = there.hidden;
    const list = here.querySelector("ul") ?? here;
    const items = [...there.querySelectorAll<HTMLElement>("[data-item]")];
    const wanted = new Set(items.map((item) => item.id));
    for (const old of list.querySelectorAll("[data-item]"))
      if (!wanted.has(old.id) && !old.querySelector(".screen[data-state]")) old.remove();
    let last: Element | null = null;
    for (const item of items) {
      let old = document.getElementById(item.id);
      if (!old || (old.dataset.stage === "waiting" && item.dataset.stage !== "waiting")) {
        const made = document.importNode(item, true);
        if (old) old.replaceWith(made);
        else if (last) last.after(made);
        else list.prepend(made);
        old = made;
      } else {
        old.dataset.stage = item.dataset.stage;
        const [bar, value] = [old.querySelector("progress"), item.querySelector("progress")?.value];
        if (bar && value) bar.value = value;
        if (item.dataset.storyboard && !old.dataset.storyboard) {
          old.dataset.storyboard = item.dataset.storyboard;
          void loading?.then(({ storyboard }) => storyboard(old as HTMLElement));
        }
      }
      last = old;
    }
  }
  document.dispatchEvent(new Event("grown"));
}

function within(event: Event, selector: string): Element | null {
  return event.target instanceof Element ? event.target.closest(selector) : null;
}

films();
gallery();
void logo();
if (page?.dataset.link) seen(page.dataset.link, page.dataset.csrf ?? "");
void grow();
