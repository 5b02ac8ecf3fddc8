// What the server knows of this intervention's items: asked again while something moves, and changed by the technician.
import { csrf, start, type Item } from "./start";

const MOVING_MS = 2000;
const STILL_MS = 15_000;

export class Media {
  items: Item[] = start.items;
  private timer = 0;
  private asked = 0;

  constructor(private onChange: () => void, private isMoving: () => boolean) {
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void this.refresh());
    this.plan();
  }

  async refresh(): Promise<void> {
    const mine = ++this.asked;
    try {
      const answer = await fetch(`/interventions/${start.intervention}/media.json`, { headers: { Accept: "application/json" } });
      const told = answer.ok && !answer.redirected ? ((await answer.json()) as { items: Item[] }) : null;
      if (told && mine === this.asked) this.items = told.items;
    } catch {
      // No network: what was known stays shown, and the sender says that it waits.
    }
    this.onChange();
    this.plan();
  }

  /** Write a caption, move, erase or retry an item. Resolves to whether the server took it. */
  async change(item: Item, what: string, fields: Record<string, string> = {}): Promise<boolean> {
    try {
      const answer = await fetch(`/interventions/items/${item.id}/${what}`, {
        method: "POST", body: new URLSearchParams(fields), headers: { "X-CSRFToken": csrf, "HX-Request": "true" },
      });
      if (!answer.ok) return false;
    } catch {
      return false;
    }
    await this.refresh();
    return true;
  }

  private plan(): void {
    clearTimeout(this.timer);
    const moving = this.isMoving() || this.items.some(({ state }) => state === "receiving" || state === "processing");
    if (document.visibilityState === "visible") this.timer = window.setTimeout(() => void this.refresh(), moving ? MOVING_MS : STILL_MS);
  }
}
