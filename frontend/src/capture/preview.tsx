// What the customer will see of one item, over the whole screen.
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icons";
import { t, type Item } from "./start";

/** `item` as it was when it was opened; `now` as the server last told of it, undefined when it is gone. */
export function Preview({ item, now, onClose }: { item: Item; now: Item | undefined; onClose: () => void }) {
  const [address] = useState(item.preview!); // kept: another one, later, is the same film signed anew
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const growing = now?.state === "receiving" || now?.state === "processing";
  const stage = !now ? "gone" : !growing ? "ready" : now.preview ? "playable" : "waiting";
  return (
    <dialog class="preview" ref={dialog} onClose={onClose} aria-label={item.caption || item.filename || t("preview")}>
      {item.kind === "film"
        ? <Film address={address} poster={item.thumbnail} stage={stage} partial={now?.partial ?? false} />
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
function Film({ address, poster, stage, partial }: { address: string; poster: string | null; stage: string; partial: boolean }) {
  const screen = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const [broken, setBroken] = useState(false);
  useEffect(() => {
    const [box, player] = [screen.current!, video.current!];
    const fed = import("../_feed").then(({ feed }) => feed(box, player, address, partial));
    fed.catch(() => setBroken(true));
    return () => void fed.then((stop) => stop(), () => undefined);
  }, [address]);
  useEffect(() => void document.dispatchEvent(new Event("grown")), [stage, partial]);
  return (
    <div class="film" data-stage={stage} data-partial={partial ? "" : undefined} data-broken={t("broken")}>
      <div class="screen" ref={screen} data-playlist={address}>
        <video ref={video} controls playsInline poster={poster ?? undefined} />
      </div>
      {broken && <p class="broken" role="alert">{t("broken")}</p>}
    </div>
  );
}
