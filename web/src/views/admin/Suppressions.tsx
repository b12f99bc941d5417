import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { getSuppression, listSuppressionHits, listSuppressions, revokeSuppression, type SuppressionResponse } from "@/api";
import { useNow, useParam, useScope } from "@/app/scope";
import { useCan } from "@/app/session";
import { formatNumber, formatProb, plural } from "@/lib/format";
import { Button } from "@/ui/Button";
import { DataTable, type Column } from "@/ui/DataTable";
import { Checkbox } from "@/ui/Field";
import { Link } from "@/ui/Link";
import { Facts, Panel } from "@/ui/Panel";
import { EmptyState, Loaded } from "@/ui/states";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { useToast } from "@/ui/Toast";
import { Value } from "@/ui/Value";
import { Confirm } from "./Confirm";

const isLive = (row: SuppressionResponse, now: number) => !row.revoked && (row.permanent || (row.expires_at ?? 0) > now);

/** `host build-* · process cl.exe`: all of it must hold. */
function ruleText(row: SuppressionResponse): string {
  const parts: Array<[string, string | null | undefined]> = [
    ["host", row.endpoint_id], ["process", row.process], ["hash", row.hash], ["technique", row.technique],
  ];
  return parts.filter(([, value]) => value).map(([name, value]) => `${name} ${value}`).join(" · ");
}

function Until({ row, now }: { row: SuppressionResponse; now: number }) {
  if (row.revoked) return <span className="faint">ended by hand</span>;
  if (row.permanent) return <>permanent</>;
  return isLive(row, now) ? <Time at={row.expires_at} style="minutes" /> : <span className="faint">expired <Time at={row.expires_at} style="minutes" /></span>;
}

function columns(now: number): Column<SuppressionResponse>[] {
  return [
    { id: "rule", header: "Hides", width: "minmax(220px, 2fr)", cell: (row) => <Text value={ruleText(row)} max={200} /> },
    { id: "reason", header: "Reason", width: "minmax(160px, 2fr)", cell: (row) => <Text value={row.reason} max={120} /> },
    { id: "owner", header: "By", width: "minmax(100px, 1fr)", cell: (row) => <Text value={row.owner} max={40} /> },
    { id: "tenant", header: "Tenant", width: "110px", cell: (row) => <Text value={row.tenant_id} max={30} /> },
    { id: "made", header: "Since", width: "130px", cell: (row) => <Time at={row.created_at} style="minutes" /> },
    { id: "until", header: "Until", width: "190px", cell: (row) => <Until row={row} now={now} /> },
    { id: "hits", header: "Hidden", width: "70px", align: "end", cell: (row) => formatNumber(row.hits) },
  ];
}

function Detail({ id, onClose, onEnd, now }: { id: string; onClose: () => void; onEnd: (row: SuppressionResponse) => void; now: number }) {
  const can = useCan();
  const one = useQuery({ queryKey: ["suppressions", id], queryFn: ({ signal }) => getSuppression(id, signal) });
  const hits = useQuery({ queryKey: ["suppressions", id, "hits"], queryFn: ({ signal }) => listSuppressionHits(id, signal) });
  const row = one.data;
  return (
    <Panel
      title="Suppression" onClose={onClose}
      actions={row && isLive(row, now) && can("suppressions.write", row.tenant_id) && <Button kind="danger" onClick={() => onEnd(row)}>End now</Button>}
    >
      <Loaded query={one} what="The suppression">
        {(got) => (
          <Facts
            items={[
              ["Host", <Value key="h" field="host" value={got.endpoint_id} />],
              ["Process", <Value key="p" field="process" value={got.process} mono />],
              ["Hash", <Value key="x" field="hash" value={got.hash} mono middle />],
              ["Technique", <Value key="t" field="technique" value={got.technique} mono />],
              ["Reason", <Text key="r" value={got.reason} max={2000} wrap />],
              ["By", <Text key="o" value={got.owner} max={100} />],
              ["Since", <Time key="s" at={got.created_at} />],
              ["Until", <Until key="u" row={got} now={now} />],
            ]}
          />
        )}
      </Loaded>
      <h3>What it has hidden</h3>
      <Loaded query={hits} what="The hidden verdicts">
        {(got) => got.hits.length === 0 ? <p className="faint">Nothing yet.</p> : (
          <ul className="admin-hits">
            {got.hits.map((hit) => (
              <li key={hit.inference_id}>
                <Time at={hit.window_end} style="minutes" />
                <Link to={`/inferences/${hit.inference_id}`}><Text value={hit.title} max={80} /></Link>
                <span className="num">{formatProb(hit.attack_prob)}</span>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Panel>
  );
}

export function Suppressions() {
  const { tenant } = useScope();
  const toast = useToast();
  const cache = useQueryClient();
  const now = useNow(60);
  const [ended, setEnded] = useParam("ended");
  const [panel, setPanel] = useParam("panel");
  const [ending, setEnding] = useState<SuppressionResponse | null>(null);
  const filter = { ...(tenant ? { tenant_id: tenant } : {}), ...(ended === "1" ? {} : { state: "live" as const }) };
  const query = useQuery({ queryKey: ["suppressions", filter], queryFn: ({ signal }) => listSuppressions(filter, signal) });
  return (
    <>
      <div className="spread admin-bar">
        <Checkbox label="Also ended ones" checked={ended === "1"} onChange={(event) => setEnded(event.target.checked ? "1" : null)} />
        {query.data && <span className="faint">{plural(query.data.total, "suppression")}. What one hides is stored, and listed with it.</span>}
      </div>
      <Loaded query={query} what="The list of suppressions">
        {(data) => (
          <DataTable
            label="Suppressions" columns={columns(now)} rows={data.suppressions} rowKey={(row) => row.suppression_id} total={data.total}
            openKey={panel} onOpen={(row) => setPanel(row.suppression_id)}
            rowClass={(row) => (isLive(row, now) ? undefined : "admin-ended")}
            empty={<EmptyState title="Nothing is suppressed">Suppress what is known and harmless from an alert's page, with a preview of what it would hide.</EmptyState>}
          />
        )}
      </Loaded>
      {panel && <Detail id={panel} now={now} onClose={() => setPanel(null)} onEnd={setEnding} />}
      {ending && (
        <Confirm
          title="End a suppression" verb="End now" onClose={() => setEnding(null)}
          run={async () => {
            await revokeSuppression(ending.suppression_id);
            await cache.invalidateQueries({ queryKey: ["suppressions"] });
            toast({ text: "Ended: what it hid becomes alerts from now on" });
          }}
        >
          <p>Verdicts that match <Text value={ruleText(ending)} max={200} wrap /> become alerts again from now on. What it hid before stays hidden.</p>
        </Confirm>
      )}
    </>
  );
}
