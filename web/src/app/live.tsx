// Changes of alerts as they happen. Views either let their queries be asked again (which happens by
// itself) or merge the alert of an event themselves with useLive.
import { useQueryClient } from "@tanstack/react-query";
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { AlertResponse } from "@/api";
import { useCan } from "./session";

export type LiveKind = "created" | "folded" | "updated";

export type LiveState = "connecting" | "live" | "paused" | "lost";
type Listener = (kind: LiveKind, alert: AlertResponse) => void;

interface Live {
  state: LiveState;
  toggle: () => void;
  listen: (listener: Listener) => () => void;
  /** Time of the last event, in seconds; null: none yet. */
  last: number | null;
}

const LiveContext = createContext<Live | null>(null);
// Many events in a burst ask the server once.
const REFRESH_MS = 2000;
const STALE_BY_ALERTS = ["alerts", "alert", "summary", "timeline", "hosts", "endpoints", "inferences", "techniques"];

export function LiveProvider({ tenant, children }: { tenant: string | null; children: ReactNode }) {
  const [state, setState] = useState<LiveState>("connecting");
  const [paused, setPaused] = useState(false);
  // The platform refuses the stream to whom it shows no alerts.
  const mayHear = useCan()("alerts.read");
  const [attempt, setAttempt] = useState(0);
  const [last, setLast] = useState<number | null>(null);
  const listeners = useRef(new Set<Listener>());
  const cache = useQueryClient();

  useEffect(() => {
    if (paused || !mayHear) {
      setState("paused");
      return undefined;
    }
    setState("connecting");
    let refresh: ReturnType<typeof setTimeout> | undefined;
    const stale = () => {
      refresh ??= setTimeout(() => {
        refresh = undefined;
        void cache.invalidateQueries({ predicate: (query) => STALE_BY_ALERTS.includes(String(query.queryKey[0])) });
      }, REFRESH_MS);
    };
    const source = new EventSource(`/api/stream${tenant ? `?tenant_id=${encodeURIComponent(tenant)}` : ""}`);
    // The browser reconnects by itself and sends Last-Event-ID; it gives up only on a refusal.
    source.onopen = () => setState("live");
    source.onerror = () => setState(source.readyState === EventSource.CLOSED ? "lost" : "connecting");
    source.addEventListener("hello", () => setState("live"));
    source.addEventListener("reset", stale);
    for (const kind of ["created", "folded", "updated"] as const) {
      source.addEventListener(kind, (event) => {
        setLast(Date.now() / 1000);
        try {
          const data = JSON.parse((event as MessageEvent<string>).data) as AlertResponse | { alert: AlertResponse };
          const alert = "alert" in data ? data.alert : data;
          listeners.current.forEach((listener) => listener(kind, alert));
        } catch {
          // What cannot be read is fetched instead.
        }
        stale();
      });
    }
    return () => {
      clearTimeout(refresh);
      source.close();
    };
  }, [paused, mayHear, tenant, cache, attempt]);

  // A refused stream (session over, too many streams) is tried again, slowly.
  useEffect(() => {
    if (state !== "lost") return undefined;
    const timer = setTimeout(() => setAttempt((old) => old + 1), 10_000);
    return () => clearTimeout(timer);
  }, [state]);

  const toggle = useCallback(() => setPaused((old) => !old), []);
  const listen = useCallback((listener: Listener) => {
    listeners.current.add(listener);
    return () => {
      listeners.current.delete(listener);
    };
  }, []);
  const value = useMemo(() => ({ state, toggle, listen, last }), [state, toggle, listen, last]);
  return <LiveContext.Provider value={value}>{children}</LiveContext.Provider>;
}

export function useLiveState(): Live {
  const live = useContext(LiveContext);
  if (!live) throw new Error("no live updates around this component");
  return live;
}

/** Calls `listener` with every changed alert while the component is shown. */
export function useLive(listener: Listener): void {
  const { listen } = useLiveState();
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => listen((kind, alert) => latest.current(kind, alert)), [listen]);
}
