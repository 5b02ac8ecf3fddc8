// What the customer will see of one item, over the whole screen.
import { useEffect, useRef, useState } from "preact/hooks";
import { waitsAtItsEdge } from "../_edge";
import { playsNatively } from "../_native";
import { Icon } from "./icons";
import { t, type Item } from "./start";

/** `growing`: more of the film is still to come, and is played when it has. */
export function Preview({ item, growing, onClose }: { item: Item; growing: boolean; onClose: () => void }) {
  const [address] = useState(item.preview!); // kept: another one, later, is the same film signed anew
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog class="preview" ref={dialog} onClose={onClose} aria-label={item.caption || item.filename || t("preview")}>
      {item.kind === "film" ? <Film address={address} poster={item.thumbnail} /> : <img src={address} alt={item.caption} />}
      <button type="button" class="round" onClick={() => dialog.current?.close()} aria-label={t("close")}>
        <Icon name="close" />
      </button>
      {growing && <p class="growing">{t("growing")}</p>}
      {item.caption && <p>{item.caption}</p>}
    </dialog>
  );
}

function Film({ address, poster }: { address: string; poster: string | null }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const player = video.current!;
    if (playsNatively(player)) {
      player.src = address;
      return;
    }
    let stop = (): void => undefined;
    let gone = false;
    void import("hls.js/light").then(({ default: Hls }) => {
      if (gone || !Hls.isSupported()) return;
      const hls = waitsAtItsEdge(new Hls({ startPosition: 0 }));
      hls.loadSource(address);
      hls.attachMedia(player);
      stop = () => hls.destroy();
    });
    return () => {
      gone = true;
      stop();
    };
  }, [address]);
  return <video ref={video} controls playsInline poster={poster ?? undefined} />;
}
