// A part of the page that comes anew takes the focus away with what had it; a keyboard would begin at the top again.

/** After a swap the focus is on what follows what went: the same item, the next one, the part's heading. */
export function keepFocus(): void {
  let went: { item: string | undefined; place: number; heading: string } | undefined;

  document.addEventListener("htmx:before:swap", () => {
    const part = document.activeElement?.closest("#media, #links");
    const item = document.activeElement?.closest(".items > li");
    went = part
      ? {
          item: item?.id,
          place: item ? [...(item.parentElement?.children ?? [])].indexOf(item) : -1,
          heading: part.id === "media" ? "#media-title" : "#links h2",
        }
      : undefined;
  });

  document.addEventListener("htmx:after:swap", () => {
    const lost = went;
    went = undefined;
    if (!lost || (document.activeElement && document.activeElement !== document.body)) return;
    const items = document.querySelectorAll(".items > li");
    const same = lost.item ? document.getElementById(lost.item) : null;
    const next =
      same?.querySelector(".tool:not(:disabled)") ?? items[Math.min(lost.place, items.length - 1)] ??
      document.querySelector(lost.heading);
    if (!(next instanceof HTMLElement)) return;
    if (next.tabIndex < 0) next.tabIndex = -1; // an item, a heading: reached by this way only
    next.focus();
  });
}
