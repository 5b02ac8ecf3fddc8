// What the server knows of this intervention's items: asked again while something moves, and changed by the technician.
import { captionOf, forgetCaption, keepCaption, owesCaptions } from "./captions";
import { keys, renewKeys } from "./keys";
import { start, type Item } from "./start";

const MOVING_MS = 2000;
const STILL_MS = 15_000;

export class Media {
  items: Item[] = start.items.map(asWritten);
  signedOut = false; // and something is waiting for it
  private timer = 0;
  private asked = 0;
  private turn: Promise<unknown> = Promise.resolve(); // of captions: one after the other, the last one wins

  constructor(private onChange: () => void, private isMoving: () => boolean) {
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void this.refresh());
    addEventListener("online", () => void this.refresh());
    this.plan();
  }

  async refresh(): Promise<void> {
    const mine = ++this.asked;
    try {
      const answer = await fetch(`/interventions/${start.intervention}/media.json`, { headers: { Accept: "application/json" } });
      if (isSignedOut(answer)) this.signedOut = owesCaptions();
      const told = answer.ok && !answer.redirected ? ((await answer.json()) as { items: Item[] }) : null;
      if (told && mine === this.asked) {
        this.items = told.items.map(asWritten);
        this.signedOut = false;
        this.deliver();
      }
    } catch {
      // No network: what was known stays shown, and the sender says that it waits.
    }
    this.onChange();
    this.plan();
  }

  /** Move, erase or retry an item. */
  async change(item: Item, what: string): Promise<void> {
    if (await this.post(item, what)) await this.refresh();
  }

  /** A caption is shown as it was written, and kept until the server has taken it. */
  caption(item: Item, text: string): void {
    keepCaption(place(item), text);
    this.items = this.items.map(asWritten);
    this.onChange();
    this.deliver();
  }

  private deliver(): void {
    if (this.items.some((item) => captionOf(place(item)) !== undefined)) this.turn = this.turn.then(() => this.hand());
  }

  private async hand(): Promise<void> {
    let taken = false;
    for (const item of this.items) {
      const text = captionOf(place(item));
      if (text === undefined) continue;
      if (!(await this.post(item, "caption", { caption: text }))) continue;
      forgetCaption(place(item), text);
      taken = true;
    }
    if (taken) await this.refresh();
    else this.onChange();
  }

  /** Resolves to whether the server took it. Keys that are over are renewed once. */
  private async post(item: Item, what: string, fields: Record<string, string> = {}): Promise<boolean> {
    const ask = (): Promise<Response> =>
      fetch(`/interventions/items/${item.id}/${what}`, {
        method: "POST", body: new URLSearchParams(fields), headers: { "X-CSRFToken": keys.csrf, "HX-Request": "true" },
      });
    try {
      let answer = await ask();
      if (isSignedOut(answer) || answer.status === 400) {
        const now = await renewKeys();
        this.signedOut = now === "signed-out";
        if (now === "renewed") answer = await ask();
        this.onChange();
      }
      return (answer.ok && !answer.redirected) || answer.status === 404; // erased by somebody else: nothing to write on
    } catch {
      return false; // no network: a caption is kept, anything else can be pressed again
    }
  }

  private plan(): void {
    clearTimeout(this.timer);
    const moving = this.isMoving() || this.items.some(({ state }) => state === "receiving" || state === "processing");
    if (document.visibilityState === "visible") this.timer = window.setTimeout(() => void this.refresh(), moving ? MOVING_MS : STILL_MS);
  }
}

function asWritten(item: Item): Item {
  const caption = captionOf(place(item));
  return caption === undefined ? item : { ...item, caption };
}

/** Under which its captions are kept: by its upload it is known before the server tells of the item. */
function place({ upload, id }: Item): string {
  return upload ?? id;
}

function isSignedOut({ redirected, status }: Response): boolean {
  return redirected || status === 401;
}
