// Who is signed in and what he may do. An expired session shows the login over the same address, so
// that signing in again leads back to the same place with nothing lost.
import { useQueryClient } from "@tanstack/react-query";
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { ApiError, getSession, sessionEvents, setCsrfToken, signIn, signOut, type SessionInfo } from "@/api";
import { Login } from "./Login";

interface SessionState {
  me: SessionInfo["me"];
  authDisabled: boolean;
  leave: () => Promise<void>;
}

const SessionContext = createContext<SessionState | null>(null);

export function useSession(): SessionState {
  const state = useContext(SessionContext);
  if (!state) throw new Error("no session around this component");
  return state;
}

// As src/access/roles.h: which roles of a tenant allow what.
const READ = ["viewer", "analyst", "admin"];
const WORK = ["analyst", "admin"];
const TENANT_ROLES: Record<string, readonly string[]> = {
  "alerts.read": READ, "events.read": READ, "inferences.read": READ, "endpoints.read": READ,
  "suppressions.read": READ, "searches.read": READ, "tenants.read": READ, "models.read": READ,
  "alerts.write": WORK, "feedback.read": WORK, "feedback.write": WORK, "suppressions.write": WORK,
  "searches.write": WORK, "ingest": ["ingest", "admin"],
  "tokens.read": ["admin"], "tokens.write": ["admin"], "audit.read": ["admin"],
};
const EITHER = new Set(["tokens.read", "tokens.write", "tenants.read", "models.read", "audit.read"]);

/** May `me` do this, in this tenant where one is named, else in any? */
export function allowed(me: SessionInfo["me"], action: string, tenant?: string | null): boolean {
  if (!me.actions.includes(action)) return false;
  const roles = TENANT_ROLES[action];
  if (!tenant || !roles) return true;
  if (EITHER.has(action) && me.platform.includes("operator")) return true;
  const held = [...(me.tenants[tenant] ?? []), ...(me.tenants["*"] ?? [])];
  return held.some((role) => roles.includes(role));
}

export function useCan(): (action: string, tenant?: string | null) => boolean {
  const { me } = useSession();
  return useCallback((action, tenant) => allowed(me, action, tenant), [me]);
}

type Phase = { name: "asking" } | { name: "out"; expired: boolean } | { name: "in"; info: SessionInfo } | { name: "unreachable" };

export function SessionProvider({ children }: { children: ReactNode }) {
  const [phase, setPhase] = useState<Phase>({ name: "asking" });
  const cache = useQueryClient();

  const ask = useCallback(() => {
    const stop = new AbortController();
    getSession(stop.signal).then(
      (info) => setPhase({ name: "in", info }),
      (error: unknown) => {
        if (stop.signal.aborted) return;
        const out = error instanceof ApiError && (error.status === 401 || error.status === 403);
        setPhase(out ? { name: "out", expired: false } : { name: "unreachable" });
      },
    );
    return () => stop.abort();
  }, []);

  useEffect(ask, [ask]);
  useEffect(() => {
    const expire = () => setPhase((old) => (old.name === "in" ? { name: "out", expired: true } : old));
    sessionEvents.addEventListener("expired", expire);
    return () => sessionEvents.removeEventListener("expired", expire);
  }, []);
  useEffect(() => {
    if (phase.name !== "unreachable") return undefined;
    const timer = setInterval(ask, 3000);
    return () => clearInterval(timer);
  }, [phase.name, ask]);

  const enter = useCallback(
    async (token: string) => {
      const info = await signIn(token);
      // What another principal has seen must not be shown to this one, not even for a moment.
      cache.clear();
      setPhase({ name: "in", info });
    },
    [cache],
  );
  const leave = useCallback(async () => {
    await signOut();
    setCsrfToken(null);
    cache.clear();
    setPhase({ name: "out", expired: false });
  }, [cache]);

  const state = useMemo(
    () => (phase.name === "in" ? { me: phase.info.me, authDisabled: phase.info.auth_disabled === true, leave } : null),
    [phase, leave],
  );
  if (phase.name === "asking") return <div className="boot" aria-busy="true" />;
  if (phase.name === "unreachable") {
    return (
      <main className="login" role="alert">
        <h1>Logster does not answer</h1>
        <p>The page was loaded, but the platform behind it cannot be reached. It is asked again every three seconds.</p>
      </main>
    );
  }
  if (!state) return <Login expired={phase.name === "out" && phase.expired} onToken={enter} />;
  return <SessionContext.Provider value={state}>{children}</SessionContext.Provider>;
}
