// One film, photo or file: its picture, how far it is, and what can be done with it.
import { useEffect, useRef, useState } from "preact/hooks";
import { joined } from "./chips";
import { Icon, type IconName } from "./icons";
import { canSendAgain, type Parcel } from "./parcel";
import { pictureOf } from "./pictures";
import { start, t, type Item, type Kind } from "./start";
import { megabytes, remaining } from "./status";

export interface Row {
  key: string;
  item: Item | null; // as the server knows it
  parcel: Parcel | null; // as this phone knows it
}

export interface Actions {
  caption(row: Row, text: string): void;
  move(row: Row, direction: "up" | "down"): void;
  remove(row: Row): void;
  retry(row: Row): void;
  again(row: Row): void;
  preview(row: Row): void;
}

interface Look {
  icon: IconName;
  tone: string;
  text: string;
  left?: string; // until it is ready, in words
  also?: string; // what is good to know already
  value: number | null; // 0…1, null: nothing to measure
}

const BOUNCE_MS = 350;
const LANGUAGES = new Intl.DisplayNames(start.language, { type: "language" });

export function Card({ row, name, first, last, actions }: { row: Row; name: string; first: boolean; last: boolean; actions: Actions }) {
  const [open, setOpen] = useState(false);
  const { item, parcel } = row;
  const kind = item?.kind ?? parcel!.kept.kind;
  const caption = parcel?.kept.caption || item?.caption || "";
  const look = looks(row);
  const ended = parcel?.phase === "refused" || item?.state === "rejected" || item?.state === "failed";
  const picture = item?.thumbnail ?? parcel?.picture ?? (item?.upload && pictureOf(item.upload));
  const plays = Boolean(item?.preview) && kind === "film";
  const nameless = kind === "document" && !caption && !ended; // the customer would read "Document 1"
  const box = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (!open) return;
    // All of the card; where it is higher than the screen, what is written into.
    for (const one of [box.current, box.current?.querySelector(".editor")]) one?.scrollIntoView({ block: "nearest" });
  }, [open]);
  return (
    <li ref={box} id={`card-${row.key}`} tabIndex={-1} class={`entry tone-${look.tone}`} data-state={item && parcel?.phase !== "sending" ? item.state : parcel?.phase} data-acknowledged={acknowledged(row)}>
      {/* With a glove the whole card is its pencil; a keyboard and a screen reader have the pencil alone. */}
      <div class="entry-main" onClick={(event) => !ended && !(event.target as Element).closest("button") && setOpen(!open)}>
        <button type="button" class="thumb" disabled={!item?.preview} onClick={() => actions.preview(row)} aria-label={`${t("preview")}: ${caption || name}`}>
          {picture ? <img src={picture} alt="" /> : !plays && <Icon name={kind} />}
          {plays && <span class="play"><Icon name="play" /></span>}
        </button>
        <div class="entry-text">
          <p class="entry-name">{caption || name}</p>
          <p class="entry-file">{megabytes(item?.size ?? parcel!.kept.size, start.language)} · {item?.filename ?? parcel!.kept.name}</p>
          {nameless && <p class="entry-ask">{t("caption-file")}</p>}
        </div>
        <p class="entry-state">
          <Icon name={look.icon} />
          <span>
            {look.text}
            {(look.left || look.also) && <small>{look.left}{look.also && <span class="also">{look.left && " · "}{look.also}</span>}</small>}
          </span>
        </p>
        {!ended && (
          <button type="button" class="tool" aria-expanded={open} onClick={() => setOpen(!open)} aria-label={`${t("edit")}: ${caption || name}`}>
            <Icon name={open ? "close" : "pen"} />
          </button>
        )}
      </div>
      {look.value !== null && <progress max={1} value={look.value} aria-label={look.text} />}
      {ended && (
        <div class="entry-tools">
          {item?.state === "failed" && <button type="button" onClick={() => actions.retry(row)}><Icon name="again" />{t("try-again")}</button>}
          {parcel && canSendAgain(parcel) && <button type="button" onClick={() => actions.again(row)}><Icon name="up" />{t("send-again")}</button>}
          <button type="button" onClick={() => actions.remove(row)}><Icon name="trash" />{t("remove")}</button>
        </div>
      )}
      {open && !ended && <Editor row={row} kind={kind} caption={caption} first={first} last={last} actions={actions} />}
    </li>
  );
}

function Editor({ row, kind, caption, first, last, actions }: { row: Row; kind: Kind; caption: string; first: boolean; last: boolean; actions: Actions }) {
  const [asked, setAsked] = useState(0); // when, on the clock of events, whether to remove it
  const [text, setText] = useState(caption);
  const remover = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    // A touch anywhere else takes it back; iPhones give a button no focus that it could lose.
    const away = ({ target }: Event): void => void (remover.current?.contains(target as Node) || setAsked(0));
    if (asked) document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [asked]);
  const write = (value: string): void => {
    setText(value);
    actions.caption(row, value.trim());
  };
  // The second tap is made where the first one was; one that comes at once is the same finger's, bouncing.
  const remove = ({ timeStamp }: Event): void => {
    if (!asked) setAsked(timeStamp);
    else if (timeStamp - asked > BOUNCE_MS) actions.remove(row);
  };
  return (
    <div class="editor">
      <label for={`caption-${row.key}`}>{t("caption")}</label>
      <textarea
        id={`caption-${row.key}`} rows={2} maxLength={300} value={text} placeholder={t(kind === "document" ? "caption-file" : "caption-hint")}
        onInput={(event) => setText(event.currentTarget.value)} onChange={(event) => write(event.currentTarget.value)}
      />
      <div class="chips">
        {start.chips[kind === "document" ? kind : "film"].map(([shown, written]) => (
          <button type="button" key={shown} onClick={() => write(joined(text, written, start.written))}>{shown}</button>
        ))}
      </div>
      {start.written !== start.language && <p class="entry-file chips-written">{t("chips-written", { language: LANGUAGES.of(start.written) ?? "" })}</p>}
      <div class="entry-tools">
        <button type="button" disabled={first || !row.item} onClick={() => actions.move(row, "up")}><Icon name="higher" />{t("earlier")}</button>
        <button type="button" disabled={last || !row.item} onClick={() => actions.move(row, "down")}><Icon name="lower" />{t("later")}</button>
        <button ref={remover} type="button" class={asked ? "sure" : ""} onClick={remove} onBlur={() => setAsked(0)}><Icon name="trash" />{t(asked ? "remove-sure" : "remove")}</button>
      </div>
    </div>
  );
}

/** Bytes the server has said it holds; nothing else is ever shown as progress. */
export function acknowledged({ item, parcel }: Row): number {
  return Math.max(item?.received ?? 0, parcel?.kept.acknowledged ?? 0);
}

function looks(row: Row): Look {
  const { item, parcel } = row;
  const kind = item?.kind ?? parcel!.kept.kind;
  const size = item?.size ?? parcel!.kept.size;
  const sent = size ? acknowledged(row) / size : 0;
  const left = remaining(item?.eta_s ?? null);
  const going = { left: left ? t(left.key, { n: left.n }) : "", also: item?.playable && kind === "film" ? t("card-playable") : "" };
  const numbers = { done: megabytes(acknowledged(row), start.language), all: megabytes(size, start.language), percent: item?.percent ?? 0 };
  if (parcel && (!item || item.state === "receiving")) {
    if (parcel.phase === "refused") return { icon: "warn", tone: "bad", text: parcel.message, value: null };
    if (parcel.phase === "missing") return { icon: "warn", tone: "bad", text: t("choose-again"), value: sent };
    if (parcel.phase === "resting" || (parcel.phase === "sending" && !navigator.onLine)) return { icon: "wait", tone: "waiting", text: t("card-network", numbers), value: sent };
    if (parcel.phase === "held") return { icon: "wait", tone: "waiting", text: parcel.message || t("card-held", numbers), value: sent };
    if (parcel.phase === "sending") return { icon: "up", tone: "busy", text: t("card-sending", numbers), ...going, value: sent };
    if (parcel.phase === "waiting") return { icon: "wait", tone: "calm", text: t("card-waiting"), value: sent || null };
    return { icon: "check", tone: "good", text: t("card-sent"), value: null };
  }
  switch (item!.state) {
    case "receiving": return { icon: "wait", tone: "calm", text: t("card-elsewhere", numbers), ...going, value: sent };
    case "ready": return { icon: "check", tone: "good", text: t("card-ready"), value: null };
    case "rejected": return { icon: "warn", tone: "bad", text: item!.message, value: null };
    case "failed": return { icon: "warn", tone: "bad", text: item!.message, value: null };
    case "processing": {
      if (!item!.begun) return { icon: "wait", tone: "calm", text: t("card-queued"), value: null };
      return { icon: "wait", tone: "busy", text: t(item!.percent ? "card-making" : "card-begun", numbers), ...going, value: item!.percent / 100 };
    }
  }
}
