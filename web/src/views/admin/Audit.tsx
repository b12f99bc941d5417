import { useMutation } from "@tanstack/react-query";
import { listAudit, verifyAudit, type AuditCheck, type AuditList } from "@/api";
import { useAddress, useParam, useScope } from "@/app/scope";
import { formatNumber } from "@/lib/format";
import { Button } from "@/ui/Button";
import { DataTable, type Column } from "@/ui/DataTable";
import { Input } from "@/ui/Field";
import { Facts, Panel } from "@/ui/Panel";
import { EmptyState, ErrorState, Skeleton } from "@/ui/states";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { useCursor } from "@/ui/useCursor";
import { problemText } from "./Confirm";
import { flatFacts } from "./facts";

type Row = AuditList["audit"][number];

/** Rows that tenants' admins see have no position; together these tell one from another. */
const keyOf = (row: Row) => (row.seq !== undefined ? String(row.seq) : `${row.at} ${row.request_id} ${row.action} ${row.target} ${row.actor}`);

const COLUMNS: Column<Row>[] = [
  { id: "at", header: "When", width: "150px", cell: (row) => <Time at={row.at} /> },
  { id: "actor", header: "Who", width: "minmax(140px, 1.2fr)", cell: (row) => <Text value={row.actor} max={60} /> },
  { id: "action", header: "Did", width: "minmax(120px, 1fr)", cell: (row) => <Text value={row.action} max={60} mono /> },
  { id: "target", header: "To", width: "minmax(140px, 1.4fr)", cell: (row) => <Text value={row.target} max={60} mono /> },
  { id: "tenant", header: "Tenant", width: "110px", cell: (row) => (row.tenant_id ? <Text value={row.tenant_id} max={30} /> : <span className="faint">platform</span>) },
  {
    id: "detail", header: "Detail", width: "minmax(160px, 2fr)",
    cell: (row) => <Text value={flatFacts(row.detail, 12).map(([name, value]) => `${name} ${value}`).join(" · ") || null} max={160} />,
  },
];

function Verified({ check }: { check: AuditCheck }) {
  if (!check.ok) {
    return (
      <span className="admin-warn" role="status">
        ▲ Altered{check.first_altered ? ` from row ${formatNumber(check.first_altered)} on` : ""}: see logster audit verify
      </span>
    );
  }
  return <span role="status">✓ {check.rows !== undefined ? `${formatNumber(check.rows)} rows, each fits its chain` : "Every row is as it was written"}</span>;
}

function Detail({ row, onClose }: { row: Row; onClose: () => void }) {
  return (
    <Panel title="Audit row" onClose={onClose}>
      <Facts
        items={[
          row.seq !== undefined ? ["Position", formatNumber(row.seq)] : null,
          ["When", <Time key="t" at={row.at} style="full" />],
          ["Who", <Text key="w" value={row.actor} max={300} wrap />],
          ["Did", <Text key="d" value={row.action} mono />],
          ["To", <Text key="o" value={row.target} max={300} mono wrap />],
          ["Tenant", row.tenant_id ? <Text key="n" value={row.tenant_id} /> : "platform"],
          ["Request", <Text key="r" value={row.request_id} mono />],
          row.hash ? ["Hash", <Text key="h" value={row.hash} max={64} mono wrap />] : null,
          ...flatFacts(row.detail).map(([name, value]) => [<Text key="n" value={name} max={60} />, <Text key="v" value={value} max={2000} wrap />] as const),
        ]}
      />
    </Panel>
  );
}

export function Audit() {
  const { from, to, tenant } = useScope();
  const [search, set] = useAddress();
  const [panel, setPanel] = useParam("panel");
  const actor = search.get("actor") ?? "";
  const action = search.get("action") ?? "";
  const filter = { from, to, limit: 200, ...(tenant ? { tenant_id: tenant } : {}), ...(actor ? { actor } : {}), ...(action ? { action } : {}) };
  const list = useCursor(
    ["audit", filter],
    (cursor, signal) => listAudit({ ...filter, ...(cursor ? { cursor } : {}) }, signal),
    (page) => page.audit,
  );
  const verify = useMutation({ mutationFn: () => verifyAudit() });
  const open = panel ? list.rows.find((row) => keyOf(row) === panel) : undefined;
  return (
    <>
      <form className="row admin-bar" onSubmit={(event) => event.preventDefault()}>
        <Input label="Actions that begin with" hideLabel placeholder="Action begins with: token." value={action} spellCheck={false}
          onChange={(event) => set({ action: event.target.value || null, panel: null }, true)} />
        <Input label="Only by" hideLabel placeholder="Only by: NAME (TOKEN ID)" value={actor} spellCheck={false}
          onChange={(event) => set({ actor: event.target.value || null, panel: null }, true)} />
        <span className="admin-end row">
          {verify.data && <Verified check={verify.data} />}
          {verify.error && <span className="admin-warn" role="alert">{problemText(verify.error)}</span>}
          <Button disabled={verify.isPending} onClick={() => verify.mutate()}>
            {verify.isPending ? "Verifying…" : "Verify the chain"}
          </Button>
        </span>
      </form>
      {list.loading ? <Skeleton /> : list.error && list.rows.length === 0 ? (
        <ErrorState error={list.error} what="The audit log" onRetry={list.retry} />
      ) : (
        <DataTable
          label="Audit log" columns={COLUMNS} rows={list.rows} rowKey={keyOf} openKey={panel} onOpen={(row) => setPanel(keyOf(row))}
          hasMore={list.hasMore} loadingMore={list.loadingMore} onMore={list.onMore}
          empty={<EmptyState title="No rows in this range">Every change and every refused token leaves one; widen the range or take the filters away.</EmptyState>}
        />
      )}
      {open && <Detail row={open} onClose={() => setPanel(null)} />}
    </>
  );
}
