// Line icons on a 24 px grid, drawn here.
const PATHS = {
  film: "M3 7.5A2.5 2.5 0 0 1 5.5 5h7A2.5 2.5 0 0 1 15 7.5v9a2.5 2.5 0 0 1-2.5 2.5h-7A2.5 2.5 0 0 1 3 16.5zM15 10.5l6-3.5v10l-6-3.5",
  photo: "M4 8.5A1.5 1.5 0 0 1 5.5 7h2.2l1.5-2.5h5.6L16.3 7h2.2A1.5 1.5 0 0 1 20 8.5v9a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5zM12 9.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7",
  document: "M6 3.5h8l4.5 4.5v12.5H6zM14 3.5V8h4.5M9 12.5h6M9 16h6",
  library: "M4 6.5h16v13H4zM7 3.5h10M4 16l4.5-4.5 4 4 2.5-2.5 5 5",
  play: "M8 5.5v13l10.5-6.5z",
  check: "M5 12.5l4.5 4.5L19 7",
  wait: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4.5l3 2",
  up: "M12 19V5M6 11l6-6 6 6",
  warn: "M12 4l9 16H3zM12 10v4.5M12 17.2v.1",
  pen: "M5 19l1-4L16 5l3 3L9 18z",
  trash: "M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7",
  back: "M14.5 5.5L8 12l6.5 6.5",
  higher: "M6 14.5l6-6 6 6",
  lower: "M6 9.5l6 6 6-6",
  again: "M19 12a7 7 0 1 1-2.3-5.2M19 4v4h-4",
  close: "M6 6l12 12M18 6L6 18",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
