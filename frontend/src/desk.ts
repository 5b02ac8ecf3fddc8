// The staff's pages work without this file; it saves them reloads: htmx for fragments, copying a link, a word after saving.
import "htmx.org";

const toast = document.querySelector<HTMLElement>(".toast");
let hide = 0;

function say(words: string): void {
  if (!toast) return;
  toast.textContent = words;
  toast.hidden = false;
  clearTimeout(hide);
  hide = window.setTimeout(() => (toast.hidden = true), 2200);
}

document.addEventListener("click", async (event) => {
  const button = (event.target as Element).closest<HTMLElement>("[data-copy]");
  if (!button) return;
  const field = document.querySelector<HTMLInputElement>(button.dataset.copy ?? "");
  if (!field) return;
  field.select();
  // The clipboard needs HTTPS; the selection at least lets a plain copy work.
  await navigator.clipboard?.writeText(field.value);
  say(button.dataset.says ?? "");
});

// The server writes times as UTC; read are those of the wall clock here.
function clocks(): void {
  const lang = document.documentElement.lang;
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-shown]")) {
    const at = new Date(time.dateTime);
    const clock = time.dataset.shown === "moment" ? ({ timeStyle: "short" } as const) : {};
    time.textContent = at.toLocaleString(lang === "en" ? "en-GB" : lang, { dateStyle: "medium", ...clock });
    delete time.dataset.shown;
  }
}

clocks();
document.addEventListener("htmx:after:swap", clocks);

// The list asks for itself every few seconds. While a caption is being written it stays as it is and asks again later.
document.addEventListener("htmx:before:swap", (event) => {
  const list = event.target as Element | null;
  if (list?.id !== "media") return;
  const texts = [...list.querySelectorAll("textarea")];
  if (texts.some((text) => text === document.activeElement || text.value !== text.defaultValue)) event.preventDefault();
});

document.addEventListener("htmx:after:request", (event) => {
  const form = (event.target as Element | null)?.closest?.<HTMLElement>("[data-says]");
  const response = (event as CustomEvent<{ ctx?: { response?: { raw?: Response } } }>).detail?.ctx?.response?.raw;
  if (!form || !response?.ok) return;
  say(form.dataset.says ?? "");
  for (const text of form.querySelectorAll("textarea")) text.defaultValue = text.value; // kept: no longer to be guarded
});
