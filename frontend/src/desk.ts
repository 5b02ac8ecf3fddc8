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

document.addEventListener("htmx:after:request", (event) => {
  const form = (event.target as Element | null)?.closest?.<HTMLElement>("[data-says]");
  const response = (event as CustomEvent<{ ctx?: { response?: { raw?: Response } } }>).detail?.ctx?.response?.raw;
  if (form && response?.ok) say(form.dataset.says ?? "");
});
