// The staff's pages work without this file; it saves them reloads: htmx for fragments, copying and sharing
// a link, a word after saving and after what did not work.
import "htmx.org";
import { keepCaptions } from "./_captions";
import { keepFocus } from "./_focus";

const toast = document.querySelector<HTMLElement>(".toast");
let hide = 0;

function say(words: string, shown = 2200): void {
  if (!toast) return;
  toast.textContent = words;
  toast.hidden = false;
  clearTimeout(hide);
  hide = window.setTimeout(() => (toast.hidden = true), shown);
}

document.addEventListener("click", async (event) => {
  const way = (event.target as Element).closest<HTMLElement>("[data-copy], [data-share], [data-shared] a");
  if (!way) return;
  const { copy, share: url, title, text, says } = way.dataset;
  const field = copy ? document.querySelector<HTMLInputElement>(copy) : null;
  field?.select();
  try {
    // The clipboard needs HTTPS; the selection at least lets a plain copy work.
    if (field) await navigator.clipboard?.writeText(field.value);
    if (url) await navigator.share({ title, text, url });
  } catch {
    return; // closed without choosing anybody, or not allowed
  }
  if (says && (!field || navigator.clipboard)) say(says);
  if (!field || navigator.clipboard) await left(way);
});

document.addEventListener("copy", (event) => void left(event.target as Element)); // by hand, from the field

/** Tells the server that this address left the desk, and shows what follows from it: the stage, the link's own state. */
async function left(way: Element): Promise<void> {
  const address = way.closest<HTMLElement>("[data-shared]")?.dataset.shared;
  if (!address) return;
  const headers = JSON.parse(document.body.getAttribute("hx-headers:inherited") ?? "{}") as Record<string, string>;
  const answer = await fetch(address, { method: "POST", headers, keepalive: true }).catch(() => undefined);
  if (!answer?.ok || answer.redirected) return; // signed out meanwhile
  const parts = new DOMParser().parseFromString(await answer.text(), "text/html").body.children;
  for (const part of [...parts]) document.getElementById(part.id)?.replaceWith(part);
  clocks();
}

/** Sharing is offered where the browser can. */
function ways(): void {
  for (const button of document.querySelectorAll<HTMLElement>("[data-share]")) button.hidden = !("share" in navigator);
}

ways();
document.addEventListener("htmx:after:swap", ways);

// The server writes times as UTC; read are those of the wall clock here.
function clocks(): void {
  const lang = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-shown]")) {
    const at = new Date(time.dateTime);
    const days = (new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000;
    const form: Intl.DateTimeFormatOptions = { dateStyle: "medium" };
    if (time.dataset.shown === "moment") form.timeStyle = "short";
    const near = time.dataset.shown === "recent" && days < 6.5; // a day has 23 or 25 hours twice a year
    const week: Intl.DateTimeFormatOptions = { weekday: days < 0.5 ? undefined : "short", hour: "2-digit", minute: "2-digit" };
    time.textContent = at.toLocaleString(lang, near ? week : form);
    if (time.dataset.shown === "recent") time.title = at.toLocaleString(lang, { dateStyle: "full", timeStyle: "short" });
    delete time.dataset.shown;
  }
}

clocks();
document.addEventListener("htmx:after:swap", clocks);

keepCaptions(say);
keepFocus();

interface Swap {
  ctx: { response?: { raw?: Response }; sourceElement?: Element };
}

// What the server did not answer as asked never replaces a part of the page: neither its error nor its sign-in page.
// The list asks for itself every few seconds. While a caption is being written it stays as it is and asks again later.
document.addEventListener("htmx:before:swap", (event) => {
  const source = event.target as Element | null;
  const answer = (event as CustomEvent<Swap>).detail.ctx.response?.raw;
  if (answer && (!answer.ok || answer.redirected)) {
    event.preventDefault();
    missed(source);
  } else if (source?.id === "media" && document.activeElement?.matches("#media textarea")) event.preventDefault();
});

document.addEventListener("htmx:error", (event) => missed(event.target as Element | null));

/** Says that what somebody asked for was not done; what asks by itself asks again. */
function missed(source: Element | null): void {
  if (toast && source?.matches?.("form[hx-post]")) say(toast.dataset.failed ?? "", 8000);
}

document.addEventListener("submit", (event) => {
  const words = (event.target as HTMLElement).dataset.sure;
  if (words && !confirm(words)) event.preventDefault();
});

// A form that comes back: where it is wrong, wherever on the page that is.
const wrong = document.querySelector<HTMLElement>("[aria-invalid='true']");
wrong?.focus({ preventScroll: true });
wrong?.scrollIntoView({ block: "center" });
