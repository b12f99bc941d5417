// One way to call the platform: same origin, session cookie, CSRF header, problems as typed errors.
import { nobodyThere } from "@/lib/presence";
import type { Problem } from "./schema";

export class ApiError extends Error {
  readonly status: number;
  readonly problem: Problem;
  readonly requestId: string | null;
  /** Seconds after which to try again, where the platform says so. */
  readonly retryAfter: number | null;

  constructor(status: number, problem: Problem, requestId: string | null, retryAfter: number | null) {
    super(problem.detail ?? problem.title);
    this.name = "ApiError";
    this.status = status;
    this.problem = problem;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

/** The platform cannot be reached at all. */
export class OfflineError extends Error {
  constructor() {
    super("The platform does not answer");
    this.name = "OfflineError";
  }
}

/** `expired` when an answer says that the session is over; `offline` and `online` as calls fail and work. */
export const sessionEvents = new EventTarget();

let csrfToken: string | null = null;

export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

type Scalar = string | number | boolean | null | undefined;
export type Query = Record<string, Scalar | readonly Scalar[]>;

export interface CallOptions {
  query?: object | undefined;
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** The version that the change is based on: sent as If-Match. */
  version?: number | undefined;
  accept?: string | undefined;
}

export function queryText(query: object | undefined): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries((query ?? {}) as Query)) {
    const all = Array.isArray(value) ? (value as readonly Scalar[]) : [value as Scalar];
    for (const one of all) {
      if (one !== null && one !== undefined && one !== "") params.append(name, String(one));
    }
  }
  const text = params.toString();
  return text ? `?${text}` : "";
}

async function problemOf(answer: Response): Promise<Problem> {
  const fallback: Problem = {
    type: "about:blank",
    title: answer.statusText || `Status ${answer.status}`,
    status: answer.status,
  };
  try {
    const body: unknown = await answer.json();
    return body && typeof body === "object" ? { ...fallback, ...body } : fallback;
  } catch {
    return fallback;
  }
}

/** The answer as it is, for downloads; throws ApiError or OfflineError. */
export async function fetchRaw(method: string, path: string, options: CallOptions = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: options.accept ?? "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.version !== undefined) headers["If-Match"] = `"${options.version}"`;
  if (method !== "GET" && csrfToken) headers["X-CSRF-Token"] = csrfToken;
  if (method === "GET" && nobodyThere()) headers["X-Logster-Background"] = "1";
  let answer: Response;
  try {
    answer = await fetch(path + queryText(options.query), {
      method,
      headers,
      credentials: "same-origin",
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    sessionEvents.dispatchEvent(new Event("offline"));
    throw new OfflineError();
  }
  sessionEvents.dispatchEvent(new Event("online"));
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  if (answer.status === 401 && path !== "/session") sessionEvents.dispatchEvent(new Event("expired"));
  const after = Number(answer.headers.get("Retry-After"));
  const id = answer.headers.get("X-Request-Id") ?? problem.request_id ?? null;
  throw new ApiError(answer.status, problem, id, Number.isFinite(after) && after > 0 ? after : null);
}

export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const answer = await fetchRaw(method, path, options);
  return answer.status === 204 ? (undefined as T) : ((await answer.json()) as T);
}

export function get<T>(path: string, query?: object, signal?: AbortSignal): Promise<T> {
  return call<T>("GET", `/api${path}`, { query, signal });
}

export function send<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown, version?: number): Promise<T> {
  return call<T>(method, `/api${path}`, { body, version });
}

/** One part of a path; ids come from outside. */
export function part(id: string): string {
  return encodeURIComponent(id);
}
