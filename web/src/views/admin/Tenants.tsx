import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { createTenant, disableTenant, listTenants, type TenantResponse } from "@/api";
import { useCan } from "@/app/session";
import { Button } from "@/ui/Button";
import { DataTable, type Column } from "@/ui/DataTable";
import { Dialog } from "@/ui/Dialog";
import { Input } from "@/ui/Field";
import { Loaded } from "@/ui/states";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { useToast } from "@/ui/Toast";
import { Confirm, problemText } from "./Confirm";

const KEY = ["tenants"];

function columns(disable: (tenant: TenantResponse) => void): Column<TenantResponse>[] {
  return [
    { id: "id", header: "Tenant", width: "minmax(160px, 1fr)", cell: (row) => <Text value={row.tenant_id} max={80} mono /> },
    { id: "name", header: "Name", width: "minmax(160px, 2fr)", cell: (row) => <Text value={row.name} max={100} /> },
    { id: "made", header: "Made", width: "150px", cell: (row) => <Time at={row.created_at} style="minutes" /> },
    {
      id: "state", header: "State", width: "200px",
      cell: (row) => (row.disabled_at ? <span className="faint">disabled <Time at={row.disabled_at} style="minutes" /></span> : "live"),
    },
    {
      id: "act", header: <span className="sr-only">Actions</span>, width: "84px", align: "end",
      cell: (row) => !row.disabled_at && (
        <Button kind="quiet" className="button-small" aria-label={`Disable ${row.tenant_id}`} onClick={() => disable(row)}>
          Disable
        </Button>
      ),
    },
  ];
}

function TenantForm({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const [id, setId] = useState("");
  const [name, setName] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const make = () => {
    createTenant({ tenant_id: id.trim(), ...(name.trim() ? { name: name.trim() } : {}) }).then(
      () => { onMade(); onClose(); },
      (error: unknown) => setProblem(problemText(error)),
    );
  };
  return (
    <Dialog
      title="New tenant" onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" form="tenant-form" disabled={!id.trim()}>
            Make it
          </Button>
        </>
      }
    >
      <form id="tenant-form" className="stack" onSubmit={(event) => { event.preventDefault(); make(); }}>
        <Input
          label="Id" required autoFocus maxLength={64} spellCheck={false} value={id} onChange={(event) => setId(event.target.value)}
          hint="Goes with every event, for good: lower-case letters, digits, - and _." error={problem}
        />
        <Input label="Name" maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />
      </form>
    </Dialog>
  );
}

export function Tenants() {
  const can = useCan();
  const toast = useToast();
  const cache = useQueryClient();
  const [making, setMaking] = useState(false);
  const [disabling, setDisabling] = useState<TenantResponse | null>(null);
  const [typed, setTyped] = useState("");
  const query = useQuery({ queryKey: KEY, queryFn: ({ signal }) => listTenants(signal) });
  const again = () => cache.invalidateQueries({ queryKey: KEY });
  return (
    <>
      <div className="spread admin-bar">
        <span className="faint">Data, rights and searches of one tenant never reach another.</span>
        {can("tenants.write") && (
          <Button kind="primary" onClick={() => setMaking(true)}>
            New tenant
          </Button>
        )}
      </div>
      <Loaded query={query} what="The list of tenants">
        {(data) => (
          <DataTable
            label="Tenants" rows={data.tenants} rowKey={(row) => row.tenant_id} total={data.tenants.length}
            columns={columns((row) => { setTyped(""); setDisabling(row); })}
            rowClass={(row) => (row.disabled_at ? "admin-ended" : undefined)}
          />
        )}
      </Loaded>
      {making && <TenantForm onClose={() => setMaking(false)} onMade={() => { void again(); toast({ text: "Tenant made" }); }} />}
      {disabling && (
        <Confirm
          title="Disable a tenant" verb="Disable for good" onClose={() => setDisabling(null)}
          run={async () => {
            if (typed !== disabling.tenant_id) throw new Error("Type the tenant's id to confirm.");
            await disableTenant(disabling.tenant_id);
            await again();
            toast({ text: "Disabled" });
          }}
        >
          <p>
            All rights in <Text value={disabling.tenant_id} mono max={80} /> end, for every token, and its events are refused. This cannot be taken
            back; its data stay until retention removes them.
          </p>
          <Input label="Type its id" spellCheck={false} autoComplete="off" value={typed} onChange={(event) => setTyped(event.target.value)} />
        </Confirm>
      )}
    </>
  );
}
