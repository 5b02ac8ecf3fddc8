// One attempt to send one file: tus-js-client from where the server is, until it is done or the line breaks.
import { Upload, type DetailedError } from "tus-js-client";
import { sendIndex } from "./hint";
import { bytes, Lost, type Kept } from "./keep";
import { FIRST, nextChunk } from "./pace";

export class Broken extends Error {
  /** `pause`: seconds the server asked to wait. `lost`: it is the phone that no longer has the bytes. `reason`: the
   * server's word for its no, where the status alone does not tell. */
  constructor(public status: number, public sentence: string, public pause = 0, public lost = false, public reason = "") {
    super(sentence);
  }
}

const SILENCE_MS = 30_000; // without a byte moving: the line is dead even if the browser has not noticed

interface Hooks {
  onUrl(url: string): void;
  onIndexed(): void;
  onAcknowledged(bytes: number): void;
}

/** Send `kept` (from `file` while it is in memory, else from its slices). Rejects with Broken; `signal` ends it quietly. */
export function send(kept: Kept, file: Blob | null, endpoint: string, token: string, signal: AbortSignal, hooks: Hooks): Promise<void> {
  return new Promise((resolve, reject) => {
    let began = performance.now();
    let watch = 0;
    let indexed: Promise<unknown> | undefined;
    const fail = (error: Broken): void => {
      clearTimeout(watch);
      void upload.abort();
      reject(error);
    };
    const alive = (): void => {
      clearTimeout(watch);
      watch = window.setTimeout(() => fail(new Broken(0, "silence")), SILENCE_MS);
    };
    let lost = false;
    const read = async (from: number, to: number): Promise<Blob> => {
      if (file) return file.slice(from, to);
      return bytes(kept.id, from, to).catch((error: unknown) => {
        lost ||= error instanceof Lost;
        throw error;
      });
    };
    const source = {
      size: kept.size,
      slice: async (from: number, to: number) => {
        await indexed; // the one moment between creation and the first PATCH that is waited for
        const end = Math.min(to, kept.size);
        const value = await read(from, end);
        began = performance.now();
        return { value, done: end >= kept.size };
      },
      close: () => undefined,
    };
    const upload = new Upload(new Blob(), {
      // Without an endpoint a lost upload is an error, not silently begun again from bytes that are no longer here.
      endpoint: kept.url ? null : endpoint,
      uploadUrl: kept.url,
      uploadSize: kept.size,
      headers: { Authorization: `Bearer ${token}` },
      metadata: { intervention: kept.intervention, kind: kept.kind, filename: kept.name.slice(-200), caption: kept.caption, key: kept.key ?? kept.id },
      chunkSize: FIRST,
      retryDelays: null,
      storeFingerprintForResuming: false,
      fileReader: { openFile: () => Promise.resolve(source) },
      onUploadUrlAvailable: () => {
        hooks.onUrl(upload.url!);
        if (kept.indexed) return;
        const film = { size: kept.size, acknowledged: kept.acknowledged, read };
        indexed = sendIndex(film, upload.url!, token, signal).then((settled) => settled && hooks.onIndexed());
      },
      onProgress: alive, // bytes given to the network: a sign of life, never shown
      onChunkComplete: (size, accepted) => {
        alive();
        upload.options.chunkSize = nextChunk(size, (performance.now() - began) / 1000);
        hooks.onAcknowledged(accepted);
      },
      onSuccess: () => {
        clearTimeout(watch);
        hooks.onAcknowledged(kept.size);
        resolve();
      },
      onError: (error) => {
        const answer = (error as DetailedError).originalResponse;
        const pause = Number(answer?.getHeader("Retry-After")) || 0;
        const reason = answer?.getHeader("Refusal-Reason") ?? "";
        fail(new Broken(answer?.getStatus() ?? 0, answer?.getBody() ?? error.message, pause, lost, reason));
      },
    });
    signal.addEventListener("abort", () => fail(new Broken(0, "stopped")), { once: true });
    alive();
    upload.start();
  });
}

/** The server need not wait for the rest of an upload. */
export async function terminate(url: string, token: string): Promise<void> {
  await fetch(url, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0", Authorization: `Bearer ${token}` } });
}
