import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { dropDeadLetters, listDeadLetters, replayDeadLetters, type DeadLetter } from "@/api";
import { useAddress, useParam, useScope } from "@/app/scope";
import { useCan } from "@/app/session";
import { formatBytes, plural, words } from "@/lib/format";
import { Button } from "@/ui/Button";
import { DataTable, type Column } from "@/ui/DataTable";
import { Select } from "@/ui/Field";
import { EmptyState, ErrorState, Skeleton } from "@/ui/states";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { useToast } from "@/ui/Toast";
import { useCursor } from "@/ui/useCursor";
import { Confirm } from "./Confirm";
import { DeadLetterPanel } from "./DeadLetterPanel";

const STATES = [
  { value: "open", label: "Open" },
  { value: "replayed", label: "Replayed" },
  { value: "dropped", label: "Dropped" },
  { value: "any", label: "All" },
];

const COLUMNS: Column<DeadLetter>[] = [
  { id: "at", header: "Given up", width: "150px", cell: (row) => <Time at={row.dead_at} /> },
  { id: "reason", header: "Reason", width: "150px", cell: (row) => <Text value={words(row.reason)} max={40} /> },
  { id: "detail", header: "Detail", width: "minmax(200px, 2fr)", cell: (row) => <Text value={row.detail} max={160} /> },
  { id: "source", header: "Source", width: "minmax(110px, 1fr)", cell: (row) => <Text value={row.source ?? row.topic} max={40} mono /> },
  { id: "stage", header: "Stage", width: "100px", cell: (row) => <Text value={row.stage} max={30} /> },
  { id: "tenant", header: "Tenant", width: "110px", cell: (row) => <Text value={row.tenant_id} max={30} /> },
  { id: "size", header: "Size", width: "80px", align: "end", cell: (row) => formatBytes(row.size) },
  { id: "state", header: "State", width: "80px", cell: (row) => row.state },
];

type Act = "replay" | "drop";

export function DeadLetters() {
  const can = useCan();
  const toast = useToast();
  const cache = useQueryClient();
  const { from, to } = useScope();
  const [search, set] = useAddress();
  const [panel, setPanel] = useParam("panel");
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState<Act | null>(null);
  const state = (STATES.find((one) => one.value === search.get("state"))?.value ?? "open") as "open" | "replayed" | "dropped" | "any";
  const reason = search.get("reason") ?? "";
  const filter = { from, to, state, limit: 200, ...(reason ? { reason } : {}) };
  const list = useCursor(
    ["dead-letters", filter],
    (cursor, signal) => listDeadLetters({ ...filter, ...(cursor ? { cursor } : {}) }, signal),
    (page) => page.dead_letters,
  );
  const reasons = [...new Set([...list.rows.map((row) => row.reason), ...(reason ? [reason] : [])])].sort();
  const write = can("dead-letters.write");
  const act = async (what: Act, ids: string[]) => {
    const done = await (what === "replay" ? replayDeadLetters({ ids }) : dropDeadLetters({ ids }));
    setSelected(new Set());
    await cache.invalidateQueries({ queryKey: ["dead-letters"] });
    toast({ text: `${plural(done.count, "record")} ${what === "replay" ? "sent through again" : "dropped"}` });
  };
  const chosen = [...selected];

  return (
    <>
      <div className="row admin-bar">
        <Select label="State" hideLabel value={state} options={STATES} onChange={(event) => set({ state: event.target.value === "open" ? null : event.target.value, panel: null })} />
        <Select label="Reason" hideLabel value={reason} onChange={(event) => set({ reason: event.target.value || null, panel: null })}
          options={[{ value: "", label: "Any reason" }, ...reasons.map((one) => ({ value: one, label: words(one) }))]} />
        {write && chosen.length > 0 && (
          <span className="admin-end row">
            <span className="faint">{plural(chosen.length, "record")} chosen</span>
            <Button onClick={() => setAsking("replay")}>Replay</Button>
            <Button kind="danger" onClick={() => setAsking("drop")}>Drop</Button>
          </span>
        )}
      </div>
      {list.loading ? <Skeleton /> : list.error && list.rows.length === 0 ? (
        <ErrorState error={list.error} what="The dead letters" onRetry={list.retry} />
      ) : (
        <DataTable
          label="Dead letters" columns={COLUMNS} rows={list.rows} rowKey={(row) => row.id} openKey={panel} onOpen={(row) => setPanel(row.id)}
          {...(write ? { selected, onSelect: setSelected } : {})}
          hasMore={list.hasMore} loadingMore={list.loadingMore} onMore={list.onMore}
          empty={<EmptyState title="No dead letters in this range">Records that could not be used come here with their reason, and can be sent through again.</EmptyState>}
        />
      )}
      {panel && <DeadLetterPanel id={panel} write={write} onClose={() => setPanel(null)} act={act} />}
      {asking && (
        <Confirm title={asking === "replay" ? "Replay records" : "Drop records"} verb={asking === "replay" ? "Replay" : "Drop"}
          onClose={() => setAsking(null)} run={() => act(asking, chosen)}>
          <p>
            {plural(chosen.length, "record")} {asking === "replay"
              ? "go through again with their original bytes and arrival times."
              : "are given up: retention removes them."}
          </p>
        </Confirm>
      )}
    </>
  );
}
