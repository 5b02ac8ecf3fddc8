// The large buttons. The native camera films: it stabilises, and it survives a locked screen.
import { Icon, type IconName } from "./icons";
import { t, type Kind } from "./start";

interface Choice {
  name: string;
  icon: IconName;
  kind: Kind;
  accept: string;
  camera: boolean;
}

const CHOICES: Choice[] = [
  { name: "film", icon: "film", kind: "film", accept: "video/*", camera: true },
  { name: "photo", icon: "photo", kind: "photo", accept: "image/*", camera: true },
  { name: "library", icon: "library", kind: "film", accept: "video/*,image/*", camera: false },
  { name: "file", icon: "document", kind: "document", accept: "application/pdf,video/*,image/*", camera: false },
];

export function Picker({ compact, onPick }: { compact: boolean; onPick: (files: File[], kind: Kind) => void }) {
  return (
    <div class={compact ? "picker compact" : "picker"}>
      {CHOICES.map(({ name, icon, kind, accept, camera }) => (
        <label class={`pick pick-${name}`} key={name}>
          <input
            type="file" class="unseen" name={name} accept={accept}
            {...(camera ? { capture: "environment" as const } : { multiple: true })}
            onChange={(event) => {
              const input = event.currentTarget;
              onPick([...(input.files ?? [])], kind);
              input.value = ""; // the same file may be chosen again
            }}
          />
          <Icon name={icon} />
          <span>{t(name)}</span>
        </label>
      ))}
    </div>
  );
}
