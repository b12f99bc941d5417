// What a host usually shows, and what it showed for the first time.

interface Item {
  value: string;
  first_seen: number | null;
  last_hour: number | null;
  hours: number;
}

/** In the range for the first time, newest first. A range that reaches back before the host was known makes nothing new. */
export function firstSeen<T extends Item>(items: readonly T[], from: number, to: number): T[] {
  return items
    .filter((one) => one.first_seen !== null && one.first_seen >= from && one.first_seen < to)
    .sort((a, b) => b.first_seen! - a.first_seen! || (a.value < b.value ? -1 : 1));
}

/** Seen in most hours first. */
export function usual<T extends Item>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => b.hours - a.hours || (b.last_hour ?? 0) - (a.last_hour ?? 0) || (a.value < b.value ? -1 : 1));
}
