// The customer's page. It is complete without this file; here it says that it was seen, looks for media still being made,
// and hands the gallery and, on the first touch of a film, the player their work.
import { ahead } from "./_ahead";
import { gallery } from "./_gallery";
import { logo } from "./_logo";
import { playsNatively } from "./_native";
import { isOld, renew } from "./_renew";
import { tell } from "./_tell";

const page = document.querySelector<HTMLElement>(".page");
const GROWING_MS = 4000;
const WAITING_MS = 2000; // with nothing to look at yet

let loading: Promise<typeof import("./_player")> | undefined;
function player(): Promise<typeof import("./_player")> {
  if (!loading && !playsNatively()) void import("hls.js/light").catch(() => undefined); // at the same time
  return (loading ??= import("./_player"));
}

function films(): void {
  // A finger or pointer on its way to the button is the moment to fetch the player: not earlier, on the customer's data.
  for (const sign of ["pointerover", "touchstart", "focusin"])
    document.addEventListener(sign, (event) => touched(event) && void player(), { passive: true });
  document.addEventListener("click", (event) => {
    const screen = touched(event);
    if (screen) void play(screen);
  });
}

function touched(event: Event): HTMLElement | null | undefined {
  return within(event, ".start")?.closest<HTMLElement>(".screen");
}

async function play(screen: HTMLElement): Promise<void> {
  const video = document.createElement("video");
  video.playsInline = true;
  // Asked inside the gesture, while there is nothing to play yet: this is what lets it start later with its sound.
  video.play().catch(() => undefined);
  screen.dataset.state = "loading";
  const broken = screen.querySelector(".broken");
  broken?.remove();
  const said = screen.querySelector(".loading");
  if (said) said.textContent = page?.dataset.loading ?? "";
  if (broken || isOld()) await renew().catch(() => undefined);
  const few = screen.closest(".film")?.hasAttribute("data-partial") ?? false; // as of the list that is asked for now
  if (!playsNatively(video)) ahead(screen.dataset.playlist ?? "", screen.dataset.opening ?? "");
  try {
    await (await player()).start(screen, video, few);
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
    const waiting = page.querySelector('.film:is([data-stage="waiting"], [data-partial])');
    await new Promise((resolve) => setTimeout(resolve, waiting ? WAITING_MS : GROWING_MS));
    if (document.visibilityState !== "visible") continue;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => undefined);
    if (answer?.status === 404) return location.reload();
    const text = answer?.ok && (await answer.text().catch(() => "")); // a line may break at any byte
    if (text) merge(page, new DOMParser().parseFromString(text, "text/html"));
  }
}

// Takes from a newer copy of this page what has changed, and leaves a film alone that somebody may be watching.
function merge(page: HTMLElement, fresh: Document): void {
  if (!fresh.querySelector("[data-growing]")) delete page.dataset.growing;
  const [greeting, said] = [page.querySelector<HTMLElement>(".greeting"), fresh.querySelector<HTMLElement>(".greeting")];
  if (greeting && said && greeting.textContent !== said.textContent) greeting.replaceWith(document.importNode(said, true));
  document.getElementById("nothing")?.toggleAttribute("hidden", !fresh.getElementById("nothing"));
  for (const id of ["films", "photos", "papers"]) {
    const [here, there] = [document.getElementById(id), fresh.getElementById(id)];
    if (!here || !there) continue;
    here.hidden = there.hidden;
    const list = here.querySelector("ul") ?? here;
    const items = [...there.querySelectorAll<HTMLElement>("[data-item]")];
    const wanted = new Set(items.map((item) => item.id));
    for (const old of list.querySelectorAll<HTMLElement>("[data-item]")) {
      if (wanted.has(old.id)) continue;
      if (old.querySelector(".screen[data-state]")) old.dataset.stage = "gone"; // whoever watches it may see it to its end
      else old.remove();
    }
    let last: Element | null = null;
    for (const item of items) {
      let old = document.getElementById(item.id);
      if (!old || (looks(old) !== looks(item) && !old.querySelector(".screen[data-state]"))) {
        const made = document.importNode(item, true);
        if (old) old.replaceWith(made);
        else if (last) last.after(made);
        else list.prepend(made);
        old = made;
      } else refresh(old, item);
      last = old;
    }
  }
  document.dispatchEvent(new Event("grown"));
}

/** What makes an item another to look at, its numbers and words aside. */
function looks(item: HTMLElement): string {
  return [item.dataset.stage, item.className, item.style.cssText, !!item.querySelector(".poster")].join();
}

// What changes on an item that stays: its numbers, and on a film that is finished while somebody watches, its signs.
function refresh(old: HTMLElement, item: HTMLElement): void {
  old.dataset.stage = item.dataset.stage;
  if (item.dataset.stage !== "waiting" && !item.querySelector(".growing")) old.querySelector(".growing")?.remove();
  old.toggleAttribute("data-partial", "partial" in item.dataset);
  const [words, said] = [old.querySelector(".making .words"), item.querySelector(".making .words")];
  if (words && said && words.textContent !== said.textContent) words.textContent = said.textContent;
  const [bar, value] = [old.querySelector("progress"), item.querySelector("progress")?.value];
  if (bar && value) bar.value = value;
  if (item.dataset.storyboard && !old.dataset.storyboard) {
    old.dataset.storyboard = item.dataset.storyboard;
    void loading?.then(({ storyboard }) => storyboard(old));
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && isOld()) void renew().catch(() => undefined);
});

function within(event: Event, selector: string): Element | null {
  return event.target instanceof Element ? event.target.closest(selector) : null;
}

films();
gallery();
void logo();
if (page?.dataset.link) seen(page.dataset.link, page.dataset.csrf ?? "");
void grow();
