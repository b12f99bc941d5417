import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { createToken, listTenants, type TokenCreated, type TokenRequest } from "@/api";
import { useCan, useSession } from "@/app/session";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Checkbox, Input, Select } from "@/ui/Field";
import { Text } from "@/ui/Text";
import { useToast } from "@/ui/Toast";
import { problemText } from "./Confirm";
import { grantsText, mayGrant, TENANT_ROLES, type TenantRole } from "./grants";

const LIVES = [
  { value: "", label: "As the platform has it" },
  { value: "7", label: "In a week" },
  { value: "30", label: "In 30 days" },
  { value: "90", label: "In 90 days" },
  { value: "365", label: "In a year" },
];
const ROLE_HINTS: Record<TenantRole, string> = {
  viewer: "reads alerts, verdicts and events",
  analyst: "and works on alerts",
  admin: "and hands out tokens",
  ingest: "sends events, reads nothing",
};

export function TokenForm({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const [made, setMade] = useState<TokenCreated | null>(null);
  if (made) return <Secret made={made} onClose={onClose} />;
  return <Form onClose={onClose} onMade={(created) => { setMade(created); onMade(); }} />;
}

/** Tenants in which one may give rights: names where the platform tells them. */
function useTenants(): string[] {
  const { me } = useSession();
  const can = useCan();
  const may = mayGrant(me);
  const { data } = useQuery({ queryKey: ["tenants"], queryFn: ({ signal }) => listTenants(signal), enabled: can("tenants.read") });
  const live = data?.tenants.filter((one) => !one.disabled_at).map((one) => one.tenant_id) ?? [];
  return may.tenants === "all" ? live : may.tenants;
}

function Form({ onClose, onMade }: { onClose: () => void; onMade: (made: TokenCreated) => void }) {
  const { me } = useSession();
  const platform = mayGrant(me).platform;
  const tenants = useTenants();
  const [name, setName] = useState("");
  const [owner, setOwner] = useState("");
  const [tenant, setTenant] = useState<string | null>(null);
  const [roles, setRoles] = useState<readonly TenantRole[]>(["viewer"]);
  const [operator, setOperator] = useState(false);
  const [metrics, setMetrics] = useState(false);
  const [life, setLife] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const into = tenant ?? tenants[0] ?? "";
  const nothing = roles.length === 0 && !operator && !metrics;

  const toggle = (role: TenantRole) => setRoles((old) => (old.includes(role) ? old.filter((one) => one !== role) : [...old, role]));
  const make = () => {
    setBusy(true);
    setProblem(null);
    const body: TokenRequest = {
      name: name.trim(),
      ...(owner.trim() ? { owner: owner.trim() } : {}),
      ...(roles.length && into ? { tenants: { [into]: [...roles] } } : {}),
      ...(operator ? { platform: ["operator"] } : {}),
      ...(metrics ? { scopes: ["metrics"] } : {}),
      ...(life ? { expires_at: Math.floor(Date.now() / 1000) + Number(life) * 86_400 } : {}),
    };
    createToken(body).then(onMade, (error: unknown) => {
      setBusy(false);
      setProblem(problemText(error));
    });
  };

  return (
    <Dialog
      title="New token" onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" form="token-form" disabled={busy || !name.trim() || nothing}>
            Make it
          </Button>
        </>
      }
    >
      <form id="token-form" className="stack" onSubmit={(event) => { event.preventDefault(); make(); }}>
        <Input label="Name" required autoFocus maxLength={100} value={name} onChange={(event) => setName(event.target.value)} hint="Histories and the audit log show it." />
        <Input label="For whom" maxLength={100} value={owner} onChange={(event) => setOwner(event.target.value)} />
        {tenants.length > 1 && (
          <Select label="Tenant" value={into} onChange={(event) => setTenant(event.target.value)} options={tenants.map((one) => ({ value: one, label: one }))} />
        )}
        <fieldset className="admin-roles">
          <legend>Roles{tenants.length === 1 ? ` in ${into}` : ""}</legend>
          {TENANT_ROLES.map((role) => (
            <Checkbox key={role} label={`${role}: ${ROLE_HINTS[role]}`} checked={roles.includes(role)} onChange={() => toggle(role)} />
          ))}
        </fieldset>
        {platform && (
          <fieldset className="admin-roles">
            <legend>Platform</legend>
            <Checkbox label="operator: tenants, models, dead letters, configuration" checked={operator} onChange={() => setOperator((old) => !old)} />
            <Checkbox label="metrics: may read /metrics" checked={metrics} onChange={() => setMetrics((old) => !old)} />
          </fieldset>
        )}
        <Select label="Expires" value={life} onChange={(event) => setLife(event.target.value)} options={LIVES} />
        {problem && (
          <p className="field-error" role="alert">
            {problem}
          </p>
        )}
      </form>
    </Dialog>
  );
}

/** The one moment in which the secret can be read. A click beside the dialog must not end it. */
function Secret({ made, onClose }: { made: TokenCreated; onClose: () => void }) {
  const toast = useToast();
  const box = useRef<HTMLInputElement>(null);
  const copy = () => {
    navigator.clipboard.writeText(made.token).then(
      () => toast({ text: "Copied" }),
      () => box.current?.select(),
    );
  };
  return (
    <Dialog
      title="Keep this secret now" onClose={onClose}
      actions={
        <>
          <Button onClick={copy}>Copy</Button>
          <Button kind="primary" onClick={onClose}>
            I have kept it
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>
          The secret of <Text value={made.details.name} max={60} /> is shown this once. The platform stores only its hash.
        </p>
        <Field secret={made.token} box={box} />
        <p className="faint">
          <Text value={grantsText(made.details)} max={200} wrap />
        </p>
      </div>
    </Dialog>
  );
}

function Field({ secret, box }: { secret: string; box: React.RefObject<HTMLInputElement> }) {
  return (
    <input
      ref={box} className="input mono" readOnly autoFocus aria-label="Secret of the new token" value={secret}
      onFocus={(event) => event.target.select()}
    />
  );
}
