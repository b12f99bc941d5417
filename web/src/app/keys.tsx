// One keyboard layer for the whole page. A view registers its keys while it is shown; the latest
// registration wins, and the overlay of `?` lists what is there.
import { createContext, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";

export interface KeyBinding {
  /** `j`, `Enter`, `Escape`, `?`, or two keys one after the other: `g a`. */
  key: string;
  label: string;
  run: (event: KeyboardEvent) => void;
}

export interface KeyGroup {
  title: string;
  bindings: KeyBinding[];
}

interface Layer {
  register: (group: { current: KeyGroup }) => () => void;
  groups: () => KeyGroup[];
}

const KeysContext = createContext<Layer | null>(null);
const SEQUENCE_MS = 1200;

/** Typing must never act on the page; Escape is the exception that views handle themselves. */
function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  // Nobody types into a checkbox: the keys must work after a row was marked with the mouse.
  if (target instanceof HTMLInputElement && /^(checkbox|radio)$/.test(target.type)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** Enter and the space bar belong to the focused control. */
function isControl(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("a,button,summary,[role=menuitem],[role=tab]") !== null;
}

export function KeysProvider({ children }: { children: ReactNode }) {
  const groups = useRef<Array<{ current: KeyGroup }>>([]);
  const [, setCount] = useState(0);

  const layer = useMemo<Layer>(
    () => ({
      register: (group) => {
        groups.current.push(group);
        setCount((count) => count + 1);
        return () => {
          groups.current = groups.current.filter((one) => one !== group);
        };
      },
      groups: () => groups.current.map((one) => one.current),
    }),
    [],
  );

  useEffect(() => {
    let first = "";
    let at = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if ((event.key === "Enter" || event.key === " ") && isControl(event.target)) return;
      // A dialog has the keyboard to itself.
      if (document.querySelector("dialog[open]")) return;
      const now = Date.now();
      const sequence = first && now - at < SEQUENCE_MS ? `${first} ${event.key}` : "";
      const all = groups.current.flatMap((group) => group.current.bindings);
      const find = (key: string) => all.filter((one) => one.key === key).pop();
      const hit = (sequence && find(sequence)) || find(event.key);
      const begins = !sequence && all.some((one) => one.key.startsWith(`${event.key} `));
      first = begins ? event.key : "";
      at = now;
      if (hit) {
        event.preventDefault();
        hit.run(event);
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);

  return <KeysContext.Provider value={layer}>{children}</KeysContext.Provider>;
}

/** Registers keys while the component is shown. `title` heads them in the overlay. */
export function useKeys(title: string, bindings: KeyBinding[], active = true): void {
  const layer = useContext(KeysContext);
  const group = useRef<KeyGroup>({ title, bindings });
  group.current = { title, bindings };
  useEffect(() => (active && layer ? layer.register(group) : undefined), [layer, active]);
}

export function useKeyGroups(): () => KeyGroup[] {
  const layer = useContext(KeysContext);
  return layer ? layer.groups : () => [];
}
