/** Says under the poster that a film could not be played, and lets the viewer try again. */
export function tell(screen: HTMLElement): void {
  delete screen.dataset.state;
  screen.querySelector("media-controller")?.remove();
  screen.querySelector(".loading")?.replaceChildren();
  if (screen.querySelector(".broken")) return;
  const note = document.createElement("p");
  note.className = "broken";
  note.setAttribute("role", "alert");
  note.textContent = screen.closest<HTMLElement>("[data-broken]")?.dataset.broken ?? "";
  screen.append(note);
}
