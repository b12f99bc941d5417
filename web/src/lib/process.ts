// Names of processes, and the folding of siblings that repeat: "svchost ×412".

/** File name of a path of either platform; the path itself where it has none. */
export function baseName(path: string | null | undefined): string {
  if (!path) return "";
  const trimmed = path.replace(/[\\/]+$/, "");
  const at = Math.max(trimmed.lastIndexOf("\\"), trimmed.lastIndexOf("/"));
  return trimmed.slice(at + 1) || path;
}

/** What makes two processes look alike in a tree: the program's name, in any case, without .exe. */
export function foldKey(image: string | null | undefined): string {
  return baseName(image).toLowerCase().replace(/\.exe$/, "");
}

export interface Fold<T> {
  key: string;
  items: T[];
}

/**
 * Groups siblings of one name in order of their first; `single` keeps some apart (the attack path),
 * and groups smaller than `least` stay as single rows, because a fold of two hides more than it saves.
 */
export function foldRepeats<T>(
  siblings: readonly T[],
  keyOf: (item: T) => string,
  single: (item: T) => boolean = () => false,
  least = 3,
): Fold<T>[] {
  const groups = new Map<string, Fold<T>>();
  const order: Fold<T>[] = [];
  for (const item of siblings) {
    const key = keyOf(item);
    const known = single(item) ? undefined : groups.get(key);
    if (known) {
      known.items.push(item);
      continue;
    }
    const fold = { key, items: [item] };
    order.push(fold);
    if (!single(item)) groups.set(key, fold);
  }
  return order.flatMap((fold) =>
    fold.items.length >= least ? [fold] : fold.items.map((item) => ({ key: fold.key, items: [item] })),
  );
}
