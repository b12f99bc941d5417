import { Dialog } from "@/ui/Dialog";
import { useKeyGroups } from "./keys";

const NAMES: Record<string, string> = { Escape: "Esc", ArrowDown: "↓", ArrowUp: "↑", " ": "Space", Backspace: "⌫" };

/** What the keyboard does here and now: made from what the shown components registered. */
export function Help({ onClose }: { onClose: () => void }) {
  const groups = useKeyGroups()();
  const merged = new Map<string, Map<string, string>>();
  for (const group of groups) {
    const into = merged.get(group.title) ?? new Map<string, string>();
    group.bindings.forEach((one) => into.set(one.key, one.label));
    merged.set(group.title, into);
  }
  return (
    <Dialog title="Keyboard" onClose={onClose} wide>
      <div className="help-groups">
        {[...merged].map(([title, bindings]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {[...bindings].map(([key, label]) => (
                <div key={key}>
                  <dt>
                    {key.split(key === " " ? "" : " ").map((one, at) => (
                      <kbd key={at}>{NAMES[one] ?? one}</kbd>
                    ))}
                  </dt>
                  <dd>{label}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
