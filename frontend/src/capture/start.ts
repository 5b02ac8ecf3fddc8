// What the server wrote into the page: where files go, and every sentence in the reader's language.

export interface Item {
  id: string;
  upload: string | null;
  kind: Kind;
  filename: string;
  caption: string;
  size: number;
  received: number;
  state: "receiving" | "processing" | "ready" | "rejected" | "failed";
  percent: number;
  begun: boolean; // somebody works on it, or has
  eta_s: number | null;
  playable: boolean;
  partial: boolean; // some versions of its beginning are still to come
  reason: string | null;
  message: string;
  thumbnail: string | null;
  preview: string | null;
}

export type Kind = "film" | "photo" | "document";

export interface Start {
  intervention: string;
  language: string;
  endpoint: string;
  token: string;
  max: number;
  items: Item[];
  chips: Record<"film" | "document", [shown: string, written: string][]>; // quick words for a caption
  written: string; // the customer's language
}

function read<T>(id: string): T {
  return JSON.parse(document.getElementById(id)!.textContent!) as T;
}

export const start: Start = read("start");
export const csrf: string = document.querySelector<HTMLMetaElement>("meta[name=csrf-token]")!.content;
const words: Record<string, string> = read("words");

/** A sentence of the page, with its `{names}` filled in. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}
