import { onlineManager } from "@tanstack/react-query";
import { Suspense, useEffect, useState, type ReactNode } from "react";
import { useLocation, useNavigate } from "react-router-dom";
import { sessionEvents } from "@/api";
import { useGo } from "@/ui/Link";
import { Skeleton } from "@/ui/states";
import { ErrorBoundary } from "./ErrorBoundary";
import { Help } from "./Help";
import { useKeys } from "./keys";
import { LiveProvider } from "./live";
import { Nav } from "./Nav";
import { NAVIGATION } from "./routes";
import { useScope } from "./scope";
import { useCan, useSession } from "./session";
import { StatusStrip } from "./StatusStrip";
import { TopBar } from "./TopBar";

/** True while calls fail because the platform is not there. */
function useOffline(): boolean {
  const [offline, setOffline] = useState(!onlineManager.isOnline());
  useEffect(() => {
    const off = () => setOffline(true);
    const on = () => setOffline(false);
    sessionEvents.addEventListener("offline", off);
    sessionEvents.addEventListener("online", on);
    const unsubscribe = onlineManager.subscribe((online) => !online && off());
    return () => {
      sessionEvents.removeEventListener("offline", off);
      sessionEvents.removeEventListener("online", on);
      unsubscribe();
    };
  }, []);
  return offline;
}

function Banners() {
  const { authDisabled } = useSession();
  const offline = useOffline();
  return (
    <>
      {authDisabled && (
        <div className="banner banner-bad" role="alert">
          ▲ Authentication is disabled: everybody who reaches this port may see and do everything.
        </div>
      )}
      {offline && (
        <div className="banner banner-warn" role="status">
          The platform does not answer. What you see is what was loaded last; it is asked again by itself.
        </div>
      )}
    </>
  );
}

export function Frame({ children }: { children: ReactNode }) {
  const { tenant } = useScope();
  const { pathname } = useLocation();
  const [help, setHelp] = useState(false);
  const can = useCan();
  const go = useGo();
  const navigate = useNavigate();
  useKeys("Everywhere", [
    { key: "?", label: "This list", run: () => setHelp(true) },
    { key: "Backspace", label: "Back", run: () => navigate(-1) },
  ]);
  useKeys(
    "Go to",
    NAVIGATION.filter((entry) => entry.actions.some((action) => can(action))).map((entry) => ({
      key: `g ${entry.hotkey}`,
      label: entry.label,
      run: () => go(entry.path),
    })),
  );
  return (
    <LiveProvider tenant={tenant}>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <div className="frame">
        <Nav />
        <div className="column">
          <TopBar onHelp={() => setHelp(true)} />
          <Banners />
          <main id="main" className="main" tabIndex={-1}>
            <ErrorBoundary at={pathname}>
              <Suspense fallback={<div className="page"><Skeleton lines={6} /></div>}>{children}</Suspense>
            </ErrorBoundary>
          </main>
        </div>
        <StatusStrip />
      </div>
      {help && <Help onClose={() => setHelp(false)} />}
    </LiveProvider>
  );
}
