// What every address carries from view to view, and what belongs to one view only.

export const SCOPE_KEYS = ["from", "to", "tz", "tenant", "host"] as const;

/** An address's search with some members set; null, undefined and "" remove them. */
export function withParams(
  search: URLSearchParams,
  changes: Record<string, string | number | boolean | readonly string[] | null | undefined>,
): URLSearchParams {
  const next = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    if (Array.isArray(value)) value.forEach((one: string) => next.append(name, one));
    else if (value !== null && value !== undefined && value !== "" && value !== false) next.set(name, String(value));
  }
  return next;
}

/** Only what goes along to another view. */
export function scopeOnly(search: URLSearchParams): URLSearchParams {
  const kept = new URLSearchParams();
  for (const name of SCOPE_KEYS) {
    const value = search.get(name);
    if (value) kept.set(name, value);
  }
  return kept;
}

/** A path with the scope of the present address and a view's own parameters. */
export function addressOf(
  path: string,
  search: URLSearchParams,
  params: Parameters<typeof withParams>[1] = {},
): string {
  const text = withParams(scopeOnly(search), params).toString();
  return text ? `${path}?${text}` : path;
}

/** Only a path of this page: what a login goes back to must not lead elsewhere. */
export function safeReturn(path: string | null | undefined): string {
  return path && /^\/(?![/\\])[^\u0000-\u001f]*$/.test(path) && !path.startsWith("/login") ? path : "/";
}
