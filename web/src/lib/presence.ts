// Is somebody at the page: what an abandoned page asks for by itself must not keep its session alive.

/** Longer than the page's polling, so that each sign of life leads to a request that counts. */
const PRESENT_MS = 40_000;

let last = Date.now();

export function noteInput(at = Date.now()): void {
  last = at;
}

/** Nobody has touched the page for a while, or cannot even see it. */
export function nobodyThere(now = Date.now(), hidden = document.hidden): boolean {
  return hidden || now - last > PRESENT_MS;
}

for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) {
  window.addEventListener(kind, () => noteInput(), { capture: true, passive: true });
}
