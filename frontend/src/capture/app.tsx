// The page: one sentence about everything, the items in their order, and the buttons under the thumb.
import type { TargetedMouseEvent } from "preact";
import { useEffect, useMemo, useReducer, useState } from "preact/hooks";
import { keepCaption } from "./captions";
import { Card, type Actions, type Row } from "./card";
import { Hints } from "./hints";
import { Icon, type IconName } from "./icons";
import { Media } from "./media";
import { Picker } from "./picker";
import { keepPicture } from "./pictures";
import { Preview, shown, type Shown } from "./preview";
import { Sender } from "./sender";
import { t, type Item, type Kind } from "./start";
import { status, type Tone } from "./status";

const ICONS: Record<Tone, IconName> = { calm: "film", busy: "up", waiting: "wait", good: "check", bad: "warn" };

function uploadOf(url: string | null): string | null {
  return url && url.slice(url.lastIndexOf("/") + 1);
}

/** The server's order first, then what only this phone knows. A card keeps its key when the server learns of it. */
function rows(items: Item[], sender: Sender, seen: Set<string>): Row[] {
  const parcels = new Map(sender.parcels.map((parcel) => [uploadOf(parcel.kept.url) ?? parcel.kept.id, parcel]));
  const known = items.map((item): Row => {
    const parcel = (item.upload && parcels.get(item.upload)) || null;
    if (item.upload) seen.add(item.upload);
    if (parcel) sender.learn(parcel, item.received);
    return { key: parcel?.kept.id ?? item.id, item, parcel };
  });
  const shown = new Set(known.map(({ key }) => key));
  const erased = (url: string | null): boolean => seen.has(uploadOf(url) ?? "");
  const own = sender.parcels.filter(({ kept, phase }) => !shown.has(kept.id) && !(phase === "sent" && erased(kept.url)));
  return [...known, ...own.map((parcel): Row => ({ key: parcel.kept.id, item: null, parcel }))];
}

/** "Film", or "Film 2" where there are several: cards without a caption and a picture are told apart. */
function numbered(list: Row[]): string[] {
  const kinds = list.map(({ item, parcel }) => item?.kind ?? parcel!.kept.kind);
  const all = (kind: Kind, until = kinds.length) => kinds.slice(0, until).filter((other) => other === kind).length;
  return kinds.map((kind, index) => (all(kind) > 1 ? `${t(kind)} ${all(kind, index + 1)}` : t(kind)));
}

/** Follows a link within the page without a step for its way back. */
function show(event: TargetedMouseEvent<HTMLAnchorElement>): void {
  event.preventDefault();
  const card = document.getElementById(event.currentTarget.hash.slice(1));
  card?.focus({ preventScroll: true });
  card?.scrollIntoView({ block: "nearest" });
}

export function App() {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const [open, setOpen] = useState<Shown | null>(null);
  const { sender, media, seen } = useMemo(() => {
    const sender = new Sender();
    const media = new Media(() => draw(0), () => sender.parcels.some(({ phase }) => phase !== "sent" && phase !== "refused"));
    return { sender, media, seen: new Set<string>() };
  }, []);
  useEffect(() => {
    let drawing = false;
    const stop = sender.subscribe(() => {
      if (drawing) return; // many small changes are one drawing
      drawing = true;
      queueMicrotask(() => {
        drawing = false;
        draw(0);
      });
    });
    void sender.recall().catch(() => (sender.forgetful = true));
    return stop;
  }, [sender]);

  const list = rows(media.items, sender, seen);
  const sentNow = sender.parcels.filter(({ phase }) => phase === "sent").length;
  useEffect(() => void media.refresh(), [sentNow, media]);
  useEffect(() => {
    // Captions written, and pictures drawn, before the server knew the item.
    for (const { item, parcel } of list) {
      if (item?.upload && parcel?.kept.thumbnail) keepPicture(item.upload, parcel.kept.thumbnail);
      const text = parcel?.kept.caption;
      if (item && parcel && text) {
        if (text !== item.caption) media.caption(item, text);
        sender.caption(parcel, "");
      }
    }
  });

  const actions: Actions = {
    caption({ item, parcel }, text) {
      if (item) media.caption(item, text);
      else if (parcel) {
        if (parcel.kept.url) keepCaption(uploadOf(parcel.kept.url)!, text);
        sender.caption(parcel, text);
      }
    },
    move: ({ item }, direction) => item && void media.change(item, `move/${direction}`),
    retry: ({ item }) => item && void media.change(item, "retry"),
    again: ({ parcel }) => parcel && sender.again(parcel),
    preview({ item }) {
      if (item?.kind === "document") window.open(item.preview!, "_blank", "noopener");
      else if (item) setOpen(shown(item));
    },
    remove({ item, parcel }) {
      if (parcel) void sender.remove(parcel);
      if (item) void media.change(item, "delete");
    },
  };

  const names = numbered(list);
  const making = media.items.filter(({ state }) => state === "processing").length;
  const refused = media.items.filter(({ state }) => state === "rejected").length;
  const unusable = list.find(({ item }) => item?.state === "rejected");
  const signedOut = sender.signedOut || media.signedOut;
  const now = status(sender.parcels.map(({ phase }) => phase), navigator.onLine, signedOut, list.length, making, refused);
  return (
    <div class="capture">
      <p class={`status tone-${now.tone}`} role="status" data-key={now.key}>
        <span class="status-icon"><Icon name={ICONS[now.tone]} /></span>
        <span>
          {t(now.key, { n: now.n })}
          {now.second && unusable && (
            <small class="tone-bad"><a href={`#card-${unusable.key}`} onClick={show}><Icon name="warn" />{t(now.second.key, { n: now.second.n })}</a></small>
          )}
        </span>
        {now.key === "signed-out" && <a href="/login" target="_blank" rel="noopener" onClick={() => (sender.signedOut = media.signedOut = false)}>{t("sign-in")}</a>}
      </p>
      {sender.forgetful && now.n > 0 && <p class="note">{t("keep-open")}</p>}
      {sender.untaken && <p class="note" role="alert">{t("untaken")}</p>}
      {list.length === 0 && <Hints />}
      {list.length > 0 && (
        <ol class="entries">
          {list.map((row, index) => (
            <Card key={row.key} row={row} name={names[index]!} first={index === 0} last={index === media.items.length - 1} actions={actions} />
          ))}
        </ol>
      )}
      <Picker compact={list.length > 0} onPick={(files, kind) => sender.add(files, kind)} />
      {open && <Preview {...open} now={media.items.find(({ id }) => id === open.item.id)} onClose={() => setOpen(null)} />}
    </div>
  );
}
