import { useState } from "react";
import type { AlertResponse } from "@/api";
import { useSession } from "@/app/session";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Input } from "@/ui/Field";
import { Menu, type MenuItem } from "@/ui/Menu";
import { Text } from "@/ui/Text";
import type { Triage } from "./useTriage";

interface Props {
  alerts: readonly AlertResponse[];
  triage: Triage;
  /** Names that are offered beside one's own. */
  known?: readonly string[];
  label?: string;
  button: React.ReactNode;
  className?: string;
}

/** Who works on it: oneself, one who already works on something, anybody by name, nobody. */
export function AssigneeMenu({ alerts, triage, known = [], label, button, className }: Props) {
  const { me } = useSession();
  const [other, setOther] = useState<string | null>(null);
  const now = alerts.length === 1 ? (alerts[0]!.assignee ?? null) : undefined;
  const names = [...new Set(known)].filter((name) => name && name !== me.name).sort().slice(0, 20);
  const items: MenuItem[] = [
    { label: "Me", checked: now === me.name, run: () => triage.assign(alerts, me.name) },
    ...names.map((name) => ({ label: <Text value={name} max={40} />, checked: now === name, run: () => triage.assign(alerts, name) })),
    { label: "Nobody", checked: now === null, run: () => triage.assign(alerts, null) },
    { kind: "separator" as const, label: "" },
    { label: "Someone else…", run: () => setOther("") },
  ];
  const send = () => {
    const name = other?.trim();
    setOther(null);
    if (name) triage.assign(alerts, name);
  };
  return (
    <>
      <Menu items={items} button={button} {...(label ? { label } : {})} {...(className ? { className } : {})} />
      {other !== null && (
        <Dialog
          title="Assign to" onClose={() => setOther(null)}
          actions={<><Button onClick={() => setOther(null)}>Cancel</Button><Button kind="primary" onClick={send}>Assign</Button></>}
        >
          <form onSubmit={(event) => { event.preventDefault(); send(); }}>
            <Input label="Name" autoFocus maxLength={200} value={other} onChange={(event) => setOther(event.target.value)} />
          </form>
        </Dialog>
      )}
    </>
  );
}
