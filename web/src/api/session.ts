import { call, setCsrfToken } from "./client";
import type { MeResponse } from "./schema";

export interface SessionInfo {
  csrf_token: string;
  me: MeResponse;
  expires_at: number | null;
  auth_disabled?: boolean;
}

function keep(session: SessionInfo): SessionInfo {
  setCsrfToken(session.csrf_token);
  return session;
}

export async function getSession(signal?: AbortSignal): Promise<SessionInfo> {
  return keep(await call<SessionInfo>("GET", "/session", { signal }));
}

export async function signIn(token: string): Promise<SessionInfo> {
  return keep(await call<SessionInfo>("POST", "/session", { body: { token } }));
}

export async function signOut(): Promise<void> {
  await call<void>("DELETE", "/session");
  setCsrfToken(null);
}
