import { useEffect, useState } from "react";
import { ApiError, createSuppression, previewSuppression, type AlertResponse, type SuppressionPreview } from "@/api";
import { formatNumber, plural } from "@/lib/format";
import { baseName } from "@/lib/process";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Checkbox, Input, Select } from "@/ui/Field";
import { Severity } from "@/ui/Severity";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { useToast } from "@/ui/Toast";

const DAYS = [["1", "a day"], ["7", "a week"], ["30", "30 days"], ["90", "90 days"]] as const;
const SHOWN = 20;
const TYPING_MS = 300;

type Condition = "endpoint_id" | "process" | "hash" | "technique";

/** Hides what it matches from now on, for a time; shows first what it would have hidden. */
export function SuppressDialog({ alert, onClose }: { alert: AlertResponse; onClose: () => void }) {
  const toast = useToast();
  const known: Array<[Condition, string, string]> = [
    ["endpoint_id", "Host", alert.endpoint_id], ["process", "Process", alert.process ? baseName(alert.process) : ""],
    ["hash", "Hash of the process", alert.process_hash ?? ""],
    ["technique", "Technique (all of them)", alert.ttp_techniques.length === 1 ? alert.ttp_techniques[0]! : ""],
  ];
  const conditions = known.filter(([, , value]) => value);
  const [on, setOn] = useState<Set<Condition>>(new Set(["endpoint_id", "process"]));
  const [values, setValues] = useState<Record<string, string>>(Object.fromEntries(conditions.map(([name, , value]) => [name, value])));
  const [reason, setReason] = useState("");
  const [days, setDays] = useState("7");
  const [preview, setPreview] = useState<SuppressionPreview | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  const rule = Object.fromEntries(conditions.flatMap(([name]) => (on.has(name) && values[name]?.trim() ? [[name, values[name]!.trim()]] : [])));
  const asked = JSON.stringify(rule);
  const empty = asked === "{}";
  useEffect(() => {
    setPreview(null);
    setProblem(null);
    if (empty) return undefined;
    let dropped = false;
    const timer = setTimeout(() => {
      previewSuppression({ tenant_id: alert.tenant_id, ...(JSON.parse(asked) as object) }).then(
        (got) => !dropped && setPreview(got),
        (error: unknown) => !dropped && setProblem(error instanceof ApiError ? error.message : "The preview could not be made"),
      );
    }, TYPING_MS);
    return () => {
      dropped = true;
      clearTimeout(timer);
    };
  }, [asked, empty, alert.tenant_id]);

  const save = () =>
    createSuppression({ tenant_id: alert.tenant_id, ...rule, reason: reason.trim(), expires_at: Math.floor(Date.now() / 1000) + Number(days) * 86400 }).then(
      () => {
        toast({ text: "Suppressed; Administration lists it with what it hides" });
        onClose();
      },
      (error: unknown) => setProblem(error instanceof ApiError ? error.message : "It could not be saved"),
    );
  return (
    <Dialog
      wide title="Suppress" onClose={onClose}
      actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" disabled={empty || !reason.trim()} onClick={() => void save()}>Suppress</Button></>}
    >
      <p>Hides alerts of which all of this holds. Their verdicts are still made and stored.</p>
      <div className="suppress-rule">
        {conditions.map(([name, label]) => (
          <div key={name} className="suppress-row">
            <Checkbox label={label} checked={on.has(name)} onChange={() => setOn((old) => {
              const next = new Set(old);
              if (!next.delete(name)) next.add(name);
              return next;
            })} />
            <Input label={label} hideLabel value={values[name] ?? ""} disabled={!on.has(name)} maxLength={1000} spellCheck={false}
              onChange={(event) => setValues({ ...values, [name]: event.target.value })} />
          </div>
        ))}
      </div>
      <div className="suppress-row">
        <Input label="Reason" required value={reason} maxLength={1000} hint="Stands in the audit log, with your name." onChange={(event) => setReason(event.target.value)} />
        <Select label="Ends after" value={days} onChange={(event) => setDays(event.target.value)} options={DAYS.map(([value, label]) => ({ value, label }))} />
      </div>
      {problem && <p className="field-error" role="alert">{problem}</p>}
      <section aria-live="polite">
        <h3>
          {empty ? "Choose at least one condition" : preview
            ? `It would have hidden ${plural(preview.total, "alert")} of the last 30 days` : "Looking what it would have hidden…"}
        </h3>
        {preview && preview.alerts.length > 0 && (
          <ul className="suppress-preview">
            {preview.alerts.slice(0, SHOWN).map((one) => (
              <li key={one.alert_id}><Severity value={one.severity} /><Text value={one.title} max={120} /><Time at={one.last_seen} ago /></li>
            ))}
            {preview.total > SHOWN && <li className="faint">… and {formatNumber(preview.total - SHOWN)} more</li>}
          </ul>
        )}
      </section>
    </Dialog>
  );
}
