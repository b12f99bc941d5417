// Light, dark or as the system has it; the choice stays in this browser.
import { useCallback, useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";
const KEY = "logster.theme";
const changes = new EventTarget();
const system = window.matchMedia?.("(prefers-color-scheme: dark)");

function chosen(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

function shown(): "light" | "dark" {
  const theme = chosen();
  return theme === "system" ? (system?.matches ? "dark" : "light") : theme;
}

export function applyTheme(): void {
  document.documentElement.dataset.theme = shown();
  changes.dispatchEvent(new Event("change"));
}

system?.addEventListener("change", applyTheme);

function subscribe(listener: () => void): () => void {
  changes.addEventListener("change", listener);
  return () => changes.removeEventListener("change", listener);
}

/** The choice, what is shown now (charts draw anew with it), and a function to choose. */
export function useTheme(): { theme: Theme; shown: "light" | "dark"; choose: (theme: Theme) => void } {
  const theme = useSyncExternalStore(subscribe, chosen);
  const now = useSyncExternalStore(subscribe, shown);
  const choose = useCallback((next: Theme) => {
    localStorage.setItem(KEY, next);
    applyTheme();
  }, []);
  return { theme, shown: now, choose };
}
