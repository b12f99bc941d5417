import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { listTokens, revokeToken, type TokenResponse } from "@/api";
import { useNow, useParam } from "@/app/scope";
import { useCan } from "@/app/session";
import { plural } from "@/lib/format";
import { Button } from "@/ui/Button";
import { DataTable, type Column } from "@/ui/DataTable";
import { Checkbox } from "@/ui/Field";
import { EmptyState, Loaded } from "@/ui/states";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { useToast } from "@/ui/Toast";
import { Confirm } from "./Confirm";
import { grantsText, stateOf } from "./grants";
import { TokenForm } from "./TokenForm";

function columns(now: number, revoke: ((token: TokenResponse) => void) | null): Column<TokenResponse>[] {
  const list: Column<TokenResponse>[] = [
    { id: "name", header: "Name", width: "minmax(120px, 1fr)", cell: (row) => <Text value={row.name} max={40} /> },
    { id: "owner", header: "For", width: "minmax(80px, 0.7fr)", cell: (row) => <Text value={row.owner} max={40} /> },
    { id: "grants", header: "Rights", width: "minmax(200px, 2fr)", cell: (row) => <Text value={grantsText(row)} max={200} /> },
    { id: "id", header: "Id", width: "140px", cell: (row) => <Text value={row.token_id} mono /> },
    { id: "created", header: "Made", width: "130px", cell: (row) => <Time at={row.created_at} style="minutes" /> },
    { id: "used", header: "Last used", width: "110px", cell: (row) => (row.last_used_at ? <Time at={row.last_used_at} ago /> : <span className="faint">never</span>) },
    { id: "expires", header: "Expires", width: "130px", cell: (row) => (row.expires_at ? <Time at={row.expires_at} style="minutes" /> : <span className="faint">never</span>) },
    { id: "state", header: "State", width: "80px", cell: (row) => stateOf(row, now) },
  ];
  if (revoke) {
    list.push({
      id: "act", header: <span className="sr-only">Actions</span>, width: "84px", align: "end",
      cell: (row) => stateOf(row, now) === "live" && (
        <Button kind="quiet" className="button-small" aria-label={`Revoke ${row.name}`} onClick={() => revoke(row)}>
          Revoke
        </Button>
      ),
    });
  }
  return list;
}

export function Tokens() {
  const can = useCan();
  const toast = useToast();
  const cache = useQueryClient();
  const now = useNow(60);
  const [ended, setEnded] = useParam("ended");
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<TokenResponse | null>(null);
  const query = useQuery({ queryKey: ["tokens"], queryFn: ({ signal }) => listTokens(signal) });
  const write = can("tokens.write");
  const again = () => cache.invalidateQueries({ queryKey: ["tokens"] });

  return (
    <>
      <div className="spread admin-bar">
        <Checkbox label="Also revoked and expired ones" checked={ended === "1"} onChange={(event) => setEnded(event.target.checked ? "1" : null)} />
        {write && (
          <Button kind="primary" onClick={() => setMaking(true)}>
            New token
          </Button>
        )}
      </div>
      <Loaded query={query} what="The list of tokens">
        {(data) => {
          const rows = data.tokens.filter((one) => ended === "1" || stateOf(one, now) === "live");
          return (
            <DataTable
              label="Tokens" columns={columns(now, write ? setRevoking : null)} rows={rows} rowKey={(row) => row.token_id} total={rows.length}
              rowClass={(row) => (stateOf(row, now) === "live" ? undefined : "admin-ended")}
              empty={<EmptyState title="No tokens">Each person and each collector gets one of its own.</EmptyState>}
            />
          );
        }}
      </Loaded>
      {making && <TokenForm onClose={() => setMaking(false)} onMade={() => void again()} />}
      {revoking && (
        <Confirm
          title="Revoke a token" verb="Revoke" onClose={() => setRevoking(null)}
          run={async () => {
            await revokeToken(revoking.token_id);
            await again();
            toast({ text: "Revoked" });
          }}
        >
          <p>
            <Text value={revoking.name} max={60} /> ({plural(Object.keys(revoking.tenants).length, "tenant")}) stops working at once, and with it
            every session that was begun with it. It stays listed.
          </p>
        </Confirm>
      )}
    </>
  );
}
