// What the customer will see of one item, over the whole screen.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icons";
import { t, type Item } from "./start";

export interface Shown {
  item: Item; // as it was when it was opened
  video: HTMLVideoElement | null; // of a film
}

/** To be called inside the gesture that opens it: a video asked to play there, while there is nothing to play yet, may
 * start later with its sound. */
export function shown(item: Item): Shown {
  if (item.kind !== "film") return { item, video: null };
  const video = document.createElement("video");
  Object.assign(video, { controls: true, playsInline: true, poster: item.thumbnail ?? "" });
  video.play().catch(() => undefined);
  return { item, video };
}

/** `now`: as the server last told of it, undefined when it is gone. */
export function Preview({ item, video, now, onClose }: Shown & { now: Item | undefined; onClose: () => void }) {
  const [address] = useState(item.preview!); // kept: another one, later, is the same film signed anew
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const growing = now?.state === "receiving" || now?.state === "processing";
  const stage = !now ? "gone" : !growing ? "ready" : now.preview ? "playable" : "waiting";
  return (
    <dialog class="preview" ref={dialog} onClose={onClose} aria-label={item.caption || item.filename || t("preview")}>
      {video
        ? <Film address={address} video={video} stage={stage} partial={now?.partial ?? false} />
        : <img src={address} alt={item.caption} />}
      <button type="button" class="round" onClick={() => dialog.current?.close()} aria-label={t("close")}>
        <Icon name="close" />
      </button>
      {growing && <p class="growing">{t("growing")}</p>}
      {item.caption && <p>{item.caption}</p>}
    </dialog>
  );
}

/** Fed as on the customer's page: a film that is made anew meanwhile is waited for, and other versions are taken when they come. */
function Film({ address, video, stage, partial }: { address: string; video: HTMLVideoElement; stage: string; partial: boolean }) {
  const screen = useRef<HTMLDivElement>(null);
  const [broken, setBroken] = useState(false);
  useLayoutEffect(() => screen.current!.prepend(video), [video]);
  useEffect(() => {
    const box = screen.current!;
    const fed = import("../_feed").then(({ feed }) => feed(box, video, address, partial));
    // Asked once more: what it is fed with came after the gesture. Closed by then, it is in no document and stays silent.
    fed.then(() => void (video.isConnected && video.play().catch(() => undefined)), () => setBroken(true));
    return () => void fed.then((stop) => stop(), () => undefined);
  }, [address, video]);
  useEffect(() => void document.dispatchEvent(new Event("grown")), [stage, partial]);
  return (
    <div class="film" data-stage={stage} data-partial={partial ? "" : undefined} data-broken={t("broken")}>
      <div class="screen" ref={screen} data-playlist={address} />
      {broken && <p class="broken" role="alert">{t("broken")}</p>}
    </div>
  );
}
