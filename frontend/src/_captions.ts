// The captions on the desk: one is written when its field is left, and again until the server has it.

const WAIT = 15_000; // ms without an answer

type Kept = HTMLTextAreaElement; // its `defaultValue` is what the server has

const sending = new Set<string>();
const carried: Kept[] = [];

const captions = (): Kept[] => [...document.querySelectorAll<Kept>("#media .caption textarea")];
const unsaved = (): Kept[] => captions().filter((text) => text.value !== text.defaultValue);
const note = (text: Kept): HTMLElement | null => text.form?.querySelector<HTMLElement>("[data-away]") ?? null;

/** Writes captions as they are left; `say` tells what went well. */
export function keepCaptions(say: (words: string) => void): void {
  async function save(text: Kept): Promise<void> {
    const { id, form, value } = text;
    if (!form || sending.has(id)) return;
    sending.add(id);
    const headers = { "HX-Request": "true" };
    const body = new URLSearchParams(new FormData(form) as unknown as Record<string, string>);
    const signal = AbortSignal.timeout(WAIT);
    const answer = await fetch(form.action, { method: "POST", headers, body, signal }).catch(() => undefined);
    sending.delete(id);
    const now = document.getElementById(id) as Kept | null; // the list may have come anew meanwhile
    if (!now) return;
    if (answer?.ok && !answer.redirected) {
      now.defaultValue = value;
      tell(now, undefined);
      say(form.dataset.says ?? "");
      if (now.value !== value && now !== document.activeElement) await save(now);
    } else tell(now, !answer || answer.status >= 500 ? "away" : "refused");
  }

  /** What could be saved now, as far as the server did not refuse it. */
  function again(): void {
    for (const text of unsaved()) if (note(text)?.dataset.now === "away") void save(text);
  }

  document.addEventListener("change", (event) => {
    const text = event.target as Kept;
    if (text.matches(".caption textarea")) void save(text);
  });
  document.addEventListener("submit", (event) => {
    const text = (event.target as Element).querySelector<Kept>(":scope.caption textarea");
    if (!text) return;
    event.preventDefault();
    void save(text);
  });
  window.addEventListener("online", again);
  // The list asks for itself every few seconds: an answer says that the line and the server are back.
  document.addEventListener("htmx:after:request", again);
  window.addEventListener("beforeunload", (event) => {
    if (unsaved().length) event.preventDefault();
  });

  // A list that comes anew says what the server has; what it does not have yet is carried over.
  document.addEventListener("htmx:before:swap", () => void carried.push(...unsaved()));
  document.addEventListener("htmx:after:swap", () => {
    for (const old of carried.splice(0)) {
      const now = document.getElementById(old.id) as Kept | null;
      if (!now || now === old || old.value === old.defaultValue) continue;
      now.value = old.value;
      tell(now, note(old)?.dataset.now);
    }
  });
}

/** Says at the field why it is not saved; nothing once it is. */
function tell(text: Kept, why: string | undefined): void {
  const line = note(text);
  if (!line) return;
  line.hidden = !why;
  line.textContent = (why && line.dataset[why]) ?? "";
  if (why) line.dataset.now = why;
  else delete line.dataset.now;
  if (why) text.setAttribute("aria-invalid", "true");
  else text.removeAttribute("aria-invalid");
}
