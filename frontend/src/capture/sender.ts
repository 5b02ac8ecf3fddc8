// What this phone still has to send, one file after the other, until all of it has arrived: through lost networks,
// restarts of the server, reloads of the page and expired keys. Progress is only ever what the server acknowledged.
// A file that fails goes to the end of the line and rests; the others do not wait for it, but for a lost network.
import { awake } from "./awake";
import * as keep from "./keep";
import { keys, renewKeys } from "./keys";
import { Broken, send, terminate } from "./line";
import { rest, verdict } from "./pace";
import { chosen, parcelOf, readable, type Parcel, type Phase } from "./parcel";
import { start, t, type Kind } from "./start";
import { thumbnail } from "./thumbnail";
import { uuid } from "./uuid";

export class Sender {
  parcels: Parcel[] = [];
  signedOut = false;
  forgetful = false; // the phone's own memory is full or closed: a reload would lose what is not sent
  untaken = false; // of the files chosen last, one could not be taken up
  private running = false;
  private failures = 0; // in a row, of whatever file: the line's
  private silent = 0; // until then nothing is sent: nobody answered
  private wake: () => void = () => undefined;
  private stop = new AbortController();
  private listeners = new Set<() => void>();

  constructor(private memory: typeof keep = keep, private line: typeof send = send) {
    addEventListener("online", () => this.kick());
    addEventListener("offline", () => this.changed());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.kick());
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Take up what an earlier visit to this page left behind. */
  async recall(): Promise<void> {
    for (const kept of await this.memory.remembered(start.intervention)) {
      if (this.parcels.some((parcel) => parcel.kept.id === kept.id)) continue;
      const parcel = parcelOf(kept, null, kept.sliced >= kept.size ? "waiting" : "missing");
      if (kept.thumbnail) parcel.picture = URL.createObjectURL(new Blob([kept.thumbnail], { type: "image/jpeg" }));
      this.parcels.push(parcel);
    }
    this.changed();
    void this.run();
  }

  /** Files that were just chosen. What goes wrong is shown: nobody else hears of it. */
  add(files: File[], kind: Kind): void {
    this.untaken = false;
    void navigator.storage?.persist?.().catch(() => undefined);
    for (const file of files) {
      try {
        this.take(file, kind);
      } catch (error) {
        console.error(error);
        this.untaken = true;
      }
    }
    this.silent = 0; // what is new may try its luck
    this.changed();
    this.wake();
    void this.run();
  }

  private take(file: File, kind: Kind): void {
    const again = this.parcels.find(({ kept, phase }) => phase === "missing" && kept.name === file.name && kept.size === file.size);
    if (again) {
      Object.assign(again, { file, phase: "waiting", failures: 0, due: 0 });
      return void this.shelve(again, file);
    }
    const parcel = chosen(file, kind);
    this.parcels.push(parcel);
    if (parcel.phase === "waiting") void this.shelve(parcel, file);
    void this.paint(parcel, file);
  }

  async remove(parcel: Parcel): Promise<void> {
    this.parcels = this.parcels.filter((other) => other !== parcel);
    if (parcel.phase === "sending") this.stop.abort();
    this.wake();
    if (parcel.picture) URL.revokeObjectURL(parcel.picture);
    this.changed();
    await this.memory.forget(parcel.kept.id).catch(() => undefined);
    // What never finishes expires by itself.
    if (parcel.kept.url && parcel.phase !== "sent") await terminate(parcel.kept.url, keys.upload).catch(() => undefined);
  }

  /** Send it as a new upload, from its first byte. */
  again(parcel: Parcel): void {
    Object.assign(parcel.kept, { key: uuid(), url: null, indexed: false, acknowledged: 0 });
    Object.assign(parcel, { failures: 0, due: 0 });
    this.go(parcel, "waiting");
    this.save(parcel);
    this.kick();
  }

  caption(parcel: Parcel, caption: string): void {
    parcel.kept.caption = caption;
    this.save(parcel);
  }

  /** The server holds this much, as another answer said. */
  learn(parcel: Parcel, received: number): void {
    if (received > parcel.kept.acknowledged && received <= parcel.kept.size) {
      parcel.kept.acknowledged = received;
      this.changed();
    }
  }

  /** Try now: the network is back, or the page is seen again. */
  kick(): void {
    this.failures = this.silent = 0;
    for (const parcel of this.parcels) parcel.due = 0;
    this.wake();
    void this.run();
    this.changed();
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    awake(true);
    for (let parcel = this.next(); parcel; parcel = this.next()) {
      const pause = Math.max(parcel.due, this.silent) - performance.now();
      await (pause > 0 ? this.sleep(pause) : this.attempt(parcel));
    }
    awake(false);
    this.running = false;
    this.changed();
  }

  /** The file that is due first; of those that are due at once, the one that was added first. */
  private next(): Parcel | undefined {
    const going = this.parcels.filter(({ phase }) => ["waiting", "resting", "held"].includes(phase));
    return this.signedOut ? undefined : going.sort((a, b) => a.due - b.due)[0];
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, ms);
    });
  }

  private async attempt(parcel: Parcel): Promise<void> {
    const { kept } = parcel;
    this.stop = new AbortController();
    this.go(parcel, "sending");
    // After a failure the picker's handle may be dead: the slices are the better source once they are whole.
    const source = parcel.failures > 0 && kept.sliced >= kept.size && !this.forgetful ? null : parcel.file;
    try {
      await this.line(kept, source, start.endpoint, keys.upload, this.stop.signal, {
        onUrl: (url) => {
          kept.url = url;
          this.save(parcel);
        },
        onIndexed: () => {
          kept.indexed = true;
          this.save(parcel);
        },
        onAcknowledged: (bytes) => {
          this.failures = parcel.failures = 0;
          this.learn(parcel, bytes);
          this.save(parcel);
        },
      });
      await this.memory.forget(kept.id).catch(() => undefined); // the server has every byte
      parcel.file = null;
      this.go(parcel, "sent");
    } catch (error) {
      if (this.parcels.includes(parcel)) await this.failed(parcel, source, error instanceof Broken ? error : new Broken(0, String(error)));
    }
  }

  private async failed(parcel: Parcel, source: File | null, error: Broken): Promise<void> {
    if (error.lost || (error.status === 0 && source && !(await readable(source)))) return this.lost(parcel, source);
    const what = verdict(error.status);
    if (what === "gone" || what === "refused") {
      // Whoever said no, this may be the only copy: it stays until a person sends it again or removes it.
      return this.go(parcel, "refused", error.status === 413 ? t("too-large") : what === "gone" ? t("gone") : t("not-accepted"));
    }
    if (what === "token" && (await this.renew())) return this.go(parcel, "waiting");
    const now = performance.now();
    parcel.failures += 1;
    // Who was not answered at all when it asked for its place keeps it in the line: the others come after it.
    if (error.status || parcel.kept.url) parcel.due = now + rest(parcel.failures, error.pause) * 1000;
    if (error.status === 0 || error.status >= 500) {
      this.failures += 1;
      this.silent = now + rest(this.failures, error.status ? error.pause : 0) * 1000;
    }
    this.go(parcel, error.pause ? "held" : "resting", error.reason === "unfinished" ? t("card-unfinished") : "");
  }

  /** Where its bytes were read from, they are no more: from the other place, or from a person. */
  private lost(parcel: Parcel, source: File | null): void {
    if (source) parcel.file = null;
    else parcel.kept.sliced = 0;
    const { file, kept } = parcel;
    this.go(parcel, file || kept.sliced >= kept.size ? "waiting" : "missing");
    this.save(parcel);
    if (file) void this.shelve(parcel, file);
  }

  private async renew(): Promise<boolean> {
    const now = await renewKeys();
    this.signedOut = now === "signed-out";
    return now === "renewed"; // no network: an ordinary rest
  }

  /** Copy the file into the phone's own memory, so that a reload can go on. */
  private async shelve(parcel: Parcel, file: File): Promise<void> {
    try {
      await this.memory.remember(parcel.kept);
      await this.memory.slice(parcel.kept, file, (sliced) => {
        parcel.kept.sliced = sliced;
        this.save(parcel);
      });
      if (parcel.phase === "sent" || !this.parcels.includes(parcel)) await this.memory.forget(parcel.kept.id);
    } catch {
      this.forgetful = true;
      this.changed();
    }
  }

  private async paint(parcel: Parcel, file: File): Promise<void> {
    const jpeg = await thumbnail(file, parcel.kept.kind);
    if (!jpeg) return;
    parcel.picture = URL.createObjectURL(jpeg);
    parcel.kept.thumbnail = await jpeg.arrayBuffer();
    this.save(parcel);
  }

  private save(parcel: Parcel): void {
    if (parcel.phase !== "sent" && parcel.kept.size <= start.max && this.parcels.includes(parcel)) {
      void this.memory.remember(parcel.kept).catch(() => undefined);
    }
    this.changed();
  }

  private go(parcel: Parcel, phase: Phase, message = ""): void {
    Object.assign(parcel, { phase, message });
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}
