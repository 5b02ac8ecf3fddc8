// Photos: the row is a list that scrolls and snaps by itself; here come its arrows and the large view.
export function gallery(): void {
  const row = document.querySelector<HTMLElement>(".gallery");
  const light = document.querySelector<HTMLDialogElement>("dialog.light");
  if (row && light) {
    arrows(row);
    large(row, light);
  }
}

function arrows(row: HTMLElement): void {
  const box = document.querySelector<HTMLElement>(".photos .arrows");
  if (!box) return;
  const [back, next] = [...box.querySelectorAll<HTMLButtonElement>("button")];
  if (!back || !next) return;
  const show = () => {
    const room = row.scrollWidth - row.clientWidth;
    box.hidden = room < 8;
    back.disabled = row.scrollLeft < 8;
    next.disabled = row.scrollLeft > room - 8;
  };
  box.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-turn]");
    if (button) row.scrollBy({ left: Number(button.dataset.turn) * row.clientWidth * 0.8, behavior: "smooth" });
  });
  row.addEventListener("scroll", show, { passive: true });
  document.addEventListener("grown", show);
  new ResizeObserver(show).observe(row);
}

function large(row: HTMLElement, light: HTMLDialogElement): void {
  const view = light.querySelector<HTMLElement>(".view");
  const picture = light.querySelector<HTMLImageElement>(".view img");
  const about = light.querySelector<HTMLElement>(".about");
  const nth = light.querySelector<HTMLElement>(".nth");
  if (!view || !picture || !about || !nth) return;
  let current: HTMLAnchorElement | undefined;

  const links = () => [...row.querySelectorAll<HTMLAnchorElement>("a")];
  const open = (link: HTMLAnchorElement) => {
    current = link;
    const small = link.querySelector("img");
    delete view.dataset.near;
    picture.removeAttribute("srcset");
    picture.src = small?.currentSrc || link.href; // what is here already, until the large one has come
    picture.sizes = "100vw";
    picture.srcset = link.dataset.srcset ?? "";
    picture.alt = small?.alt ?? "";
    picture.width = small?.width || 4;
    picture.height = small?.height || 3;
    picture.style.cssText = link.style.cssText;
    about.textContent = link.parentElement?.querySelector("figcaption")?.textContent ?? "";
    const place = links().indexOf(link);
    nth.textContent = links().length > 1 ? `${place + 1} / ${links().length}` : "";
    for (const turn of light.querySelectorAll<HTMLButtonElement>(".turn")) {
      turn.hidden = !links()[place + Number(turn.dataset.turn)];
    }
    if (!light.open) light.showModal();
    view.focus({ preventScroll: true });
  };
  const turn = (by: number) => {
    const next = current && links()[links().indexOf(current) + by];
    if (next) {
      open(next);
      next.scrollIntoView({ block: "nearest", inline: "center" });
    }
  };

  row.addEventListener("click", (event) => {
    const link = (event.target as Element).closest("a");
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    open(link);
  });
  for (const button of light.querySelectorAll<HTMLElement>(".turn"))
    button.addEventListener("click", () => turn(Number(button.dataset.turn)));
  light.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft" && !view.dataset.near) turn(-1);
    if (event.key === "ArrowRight" && !view.dataset.near) turn(1);
  });
  light.addEventListener("close", () => current?.focus());

  // A tap looks closer at the place that was tapped; two fingers zoom as everywhere; a swipe turns the page. The browser
  // is given a finger's way across only where there is something to move: it would take the swipe as well.
  const pinched = () => (visualViewport?.scale ?? 1) > 1.05;
  visualViewport?.addEventListener("resize", () => view.toggleAttribute("data-pinched", pinched()));
  let down: { x: number; y: number } | undefined;
  view.addEventListener("pointerdown", (event) => (down = event.isPrimary ? { x: event.clientX, y: event.clientY } : undefined));
  view.addEventListener("pointerup", (event) => {
    if (!down) return;
    const [dx, dy] = [event.clientX - down.x, event.clientY - down.y];
    down = undefined;
    if (pinched()) return;
    if (Math.hypot(dx, dy) < 8) {
      if (event.target !== picture) return light.close();
      closer(view, picture, event);
    } else if (!view.dataset.near && Math.abs(dx) > 48 && Math.abs(dx) > 1.5 * Math.abs(dy)) turn(dx < 0 ? 1 : -1);
  });
  view.addEventListener("pointercancel", () => (down = undefined));
}

function closer(view: HTMLElement, picture: HTMLImageElement, at: PointerEvent): void {
  const box = picture.getBoundingClientRect();
  const [x, y] = [(at.clientX - box.left) / box.width, (at.clientY - box.top) / box.height];
  if (view.dataset.near) delete view.dataset.near;
  else view.dataset.near = "";
  picture.sizes = "near" in view.dataset ? "250vw" : "100vw";
  view.scrollTo(x * picture.offsetWidth - view.clientWidth / 2, y * picture.offsetHeight - view.clientHeight / 2);
}
