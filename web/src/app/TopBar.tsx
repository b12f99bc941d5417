import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState, type FormEvent } from "react";
import { listEndpoints, listTenants } from "@/api";
import { Button } from "@/ui/Button";
import { Icon } from "@/ui/Icon";
import { useGo } from "@/ui/Link";
import { Menu } from "@/ui/Menu";
import { Text } from "@/ui/Text";
import { TimeRangePicker } from "@/ui/TimeRangePicker";
import { useKeys } from "./keys";
import { useLiveState } from "./live";
import { useAddress, useScope } from "./scope";
import { useCan, useSession } from "./session";
import { useTheme, type Theme } from "./theme";

function TenantMenu() {
  const { tenant } = useScope();
  const [, set] = useAddress();
  const can = useCan();
  const { data } = useQuery({
    queryKey: ["tenants"],
    queryFn: ({ signal }) => listTenants(signal),
    enabled: can("tenants.read"),
    staleTime: 60_000,
  });
  const tenants = data?.tenants.filter((one) => !one.disabled_at) ?? [];
  // With one tenant there is nothing to choose, and no word that there could be others.
  if (tenants.length < 2 && !tenant) return null;
  return (
    <Menu
      label="Tenant"
      className="button button-plain"
      button={<>Tenant: <Text value={tenant ?? "all"} max={24} /> ▾</>}
      items={[
        { label: "All of yours", checked: !tenant, run: () => set({ tenant: null }) },
        ...tenants.map((one) => ({
          label: <Text value={one.name ?? one.tenant_id} max={40} />,
          checked: tenant === one.tenant_id,
          run: () => set({ tenant: one.tenant_id }),
        })),
      ]}
    />
  );
}

function HostBox() {
  const { host, tenant } = useScope();
  const [, set] = useAddress();
  const [text, setText] = useState(host ?? "");
  useEffect(() => setText(host ?? ""), [host]);
  const can = useCan();
  const { data } = useQuery({
    queryKey: ["endpoints", "names", tenant, text],
    queryFn: ({ signal }) => listEndpoints({ q: text, limit: 20, ...(tenant ? { tenant_id: tenant } : {}) }, signal),
    enabled: can("endpoints.read") && text.length > 0 && text !== host,
    staleTime: 30_000,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    set({ host: text.trim() || null });
  };
  return (
    <form onSubmit={submit} className="host-box">
      <input
        className="input" list="host-names" placeholder="All hosts" aria-label="Host" spellCheck={false} autoComplete="off"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          if (!event.target.value) set({ host: null });
        }}
        onBlur={() => text.trim() !== (host ?? "") && set({ host: text.trim() || null })}
      />
      <datalist id="host-names">
        {data?.endpoints.map((one) => <option key={`${one.tenant_id}/${one.endpoint_id}`} value={one.endpoint_id} />)}
      </datalist>
      {host && (
        <Button kind="quiet" aria-label="All hosts" onClick={() => set({ host: null })}>
          ×
        </Button>
      )}
    </form>
  );
}

/** Free text over events: leads to Hunt, from anywhere. */
function SearchBox() {
  const [search] = useAddress();
  const [text, setText] = useState(search.get("q") ?? "");
  useEffect(() => setText(search.get("q") ?? ""), [search]);
  const go = useGo();
  const box = useRef<HTMLInputElement>(null);
  useKeys("Everywhere", [{ key: "/", label: "Search", run: () => box.current?.select() }]);
  return (
    <form
      role="search"
      className="search-box"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) go("/hunt", { q: text.trim() });
      }}
    >
      <Icon name="search" />
      <input
        ref={box} className="input" type="search" aria-label="Search events" placeholder="Search events" maxLength={1000} spellCheck={false}
        value={text} onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && box.current?.blur()}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

const LIVE_WORDS = { live: "live", connecting: "connecting", paused: "paused", lost: "no updates" };

function LiveButton() {
  const { state, toggle } = useLiveState();
  return (
    <button type="button" className={`live live-${state}`} aria-pressed={state !== "paused"} onClick={toggle}
      title={state === "paused" ? "Updates are paused: resume" : "Pause updates"}>
      <span className="live-dot" aria-hidden="true" />
      {LIVE_WORDS[state]}
    </button>
  );
}

function MeMenu() {
  const { me, leave } = useSession();
  const { theme, choose } = useTheme();
  const themes: Array<[Theme, string]> = [["system", "As the system has it"], ["light", "Light"], ["dark", "Dark"]];
  return (
    <Menu
      label={`You: ${me.name}`}
      align="end"
      className="button button-quiet"
      button={<><Icon name="user" /> <Text value={me.name} max={16} /> ▾</>}
      items={[
        { kind: "heading", label: <Text value={me.actor} max={48} /> },
        { kind: "heading", label: "Look" },
        ...themes.map(([name, label]) => ({ label, checked: theme === name, run: () => choose(name) })),
        { kind: "separator", label: "" },
        { label: "API reference", run: () => window.open("/api/docs", "_blank", "noopener") },
        { label: "Sign out", run: () => void leave() },
      ]}
    />
  );
}

export function TopBar({ onHelp }: { onHelp: () => void }) {
  return (
    <header className="top">
      <TenantMenu />
      <HostBox />
      <SearchBox />
      <div className="top-end">
        <TimeRangePicker />
        <LiveButton />
        <Button kind="quiet" aria-label="Keyboard and help" title="Keyboard (?)" onClick={onHelp}>
          ?
        </Button>
        <MeMenu />
      </div>
    </header>
  );
}
