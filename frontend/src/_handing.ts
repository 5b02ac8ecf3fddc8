// hls.js's loader, but that what was asked for ahead is handed over instead of being asked for again.
import type { HlsConfig, Loader, LoaderCallbacks, LoaderConfiguration, LoaderContext } from "hls.js";
import { type Came, taken } from "./_ahead";

export function handing(Line: HlsConfig["loader"]): HlsConfig["loader"] {
  return class extends Line implements Loader<LoaderContext> {
    private waiting: LoaderCallbacks<LoaderContext> | undefined;

    override load(context: LoaderContext, config: LoaderConfiguration, callbacks: LoaderCallbacks<LoaderContext>): void {
      const ahead = taken(context.url);
      if (!ahead) return super.load(context, config, callbacks);
      this.context = context;
      this.waiting = callbacks;
      void ahead.then((came) => {
        if (!this.waiting) return;
        this.waiting = undefined;
        if (!came) return super.load(context, config, callbacks);
        // As if it had been asked for now, and alone: by this the line is measured.
        const [end, size] = [performance.now(), came.body.byteLength];
        const first = end - (came.end - came.first) * share(came);
        Object.assign(this.stats.loading, { start: first - (came.first - came.start), first, end });
        this.stats.loaded = this.stats.total = size;
        const data = context.responseType === "arraybuffer" ? came.body : new TextDecoder().decode(came.body);
        callbacks.onSuccess({ url: context.url, data, code: 200 }, this.stats, context, null);
      });
    }

    override abort(): void {
      const callbacks = this.waiting;
      this.waiting = undefined;
      if (!callbacks || !this.context) return super.abort();
      this.stats.aborted = true;
      callbacks.onAbort?.(this.stats, this.context, null);
    }

    override destroy(): void {
      this.waiting = undefined;
      super.destroy();
    }
  };
}

/** Its part of what came over the line at the same time, the player's own files above all. */
function share({ body, first, end }: Came): number {
  const files = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
  const all = files.reduce((sum, file) => {
    const meanwhile = Math.min(end, file.responseEnd) - Math.max(first, file.responseStart);
    return sum + (meanwhile > 0 ? (file.transferSize * meanwhile) / (file.responseEnd - file.responseStart) : 0);
  }, 0);
  return Math.min(1, body.byteLength / (all || 1));
}
