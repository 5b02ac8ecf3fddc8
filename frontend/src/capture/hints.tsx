// Before the first file: how a good film begins.
import { t } from "./start";

export function Hints() {
  return (
    <div class="hints">
      <svg viewBox="0 0 240 128" aria-hidden="true">
        <path d="M14 92h10M84 92h48M192 92h12a6 6 0 0 0 6-6V74c0-8-6-12-14-14l-30-6-26-24a12 12 0 0 0-8-3H74a12 12 0 0 0-10 5L46 58l-22 5c-7 2-10 6-10 12v11a6 6 0 0 0 6 6" />
        <path d="M54 78a15 15 0 1 0 0 30 15 15 0 0 0 0-30M162 78a15 15 0 1 0 0 30 15 15 0 0 0 0-30M62 56h88M104 30v26M54 89v8M162 89v8" />
        <path class="lit" d="M206 8h16a5 5 0 0 1 5 5v32a5 5 0 0 1-5 5h-16a5 5 0 0 1-5-5V13a5 5 0 0 1 5-5M211 44h6M192 24l-22 14M192 34l-16 22" />
      </svg>
      <ol>
        {t("hints").split("|").map((hint) => <li key={hint}>{hint}</li>)}
      </ol>
    </div>
  );
}
