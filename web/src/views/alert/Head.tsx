import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { createFeedback, listFeedback, type AlertResponse } from "@/api";
import { useCan } from "@/app/session";
import { formatNumber, formatProb } from "@/lib/format";
import { STEPS, stepsFrom } from "@/lib/triage";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { TextArea } from "@/ui/Field";
import { Severity } from "@/ui/Severity";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { useToast } from "@/ui/Toast";
import { AssigneeMenu } from "@/ui/triage/AssigneeMenu";
import { StatusBadge } from "@/ui/triage/StatusBadge";
import type { Triage } from "@/ui/triage/useTriage";
import { Value } from "@/ui/Value";

/** What it is, where it stands, and what can be said of it. */
export function Head({ alert, triage, onSuppress }: { alert: AlertResponse; triage: Triage; onSuppress: () => void }) {
  const can = useCan();
  const [noting, setNoting] = useState(false);
  const writes = can("alerts.write", alert.tenant_id);
  const steps = stepsFrom(alert.status);
  return (
    <section className="alert-head" aria-label="State">
      <div className="alert-line">
        <Severity value={alert.severity} />
        <span className="num" title="Largest probability of attack of its verdicts">{formatProb(alert.attack_prob)}</span>
        <StatusBadge value={alert.status} />
        <Value field="host" value={alert.endpoint_id} max={48} middle />
        {alert.user && <Value field="user" value={alert.user} max={40} />}
        <span className="alert-steps">
          {writes && STEPS.filter((step) => steps.includes(step)).map((step) => (
            <Button key={step.to} hotkey={step.key} onClick={() => triage.step([alert], step.to)}>{step.label}</Button>
          ))}
        </span>
      </div>
      <p className="alert-what"><Text value={alert.description} max={700} wrap /></p>
      <div className="alert-line alert-facts">
        <span>
          <span className="faint">assignee</span>{" "}
          {writes ? (
            <AssigneeMenu alerts={[alert]} triage={triage} label={`Assignee: ${alert.assignee ?? "nobody"}`} className="value"
              button={<><Text value={alert.assignee ?? "nobody"} max={40} /> ▾</>} />
          ) : <Text value={alert.assignee ?? "nobody"} max={40} />}
        </span>
        <span><span className="faint">occurrences</span> <span className="num">{formatNumber(alert.occurrences)}</span></span>
        <span><span className="faint">first</span> <Time at={alert.first_seen} /></span>
        <span><span className="faint">last</span> <Time at={alert.last_seen} /></span>
        {alert.recurrence_of_false_positive && <span className="alert-again">▲ once closed as a false positive</span>}
        <span className="alert-steps">
          {writes && <Button kind="quiet" onClick={() => setNoting(true)}>Note</Button>}
          {can("feedback.write", alert.tenant_id) && <FeedbackButtons alert={alert} />}
          {can("suppressions.write", alert.tenant_id) && <Button kind="quiet" hotkey="s" onClick={onSuppress}>Suppress…</Button>}
        </span>
      </div>
      {alert.analyst_notes && <p className="alert-note"><span className="faint">note</span> <Text value={alert.analyst_notes} max={2000} wrap /></p>}
      {noting && <Noting alert={alert} onClose={() => setNoting(false)} onSave={(text) => triage.note(alert, text)} />}
    </section>
  );
}

function Noting({ alert, onClose, onSave }: { alert: AlertResponse; onClose: () => void; onSave: (text: string) => void }) {
  const [text, setText] = useState(alert.analyst_notes ?? "");
  const save = () => {
    onClose();
    onSave(text.trim());
  };
  return (
    <Dialog title="Note" onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" onClick={save}>Keep</Button></>}>
      <TextArea label="Note" rows={5} maxLength={4000} value={text} onChange={(event) => setText(event.target.value)}
        hint="The latest note stands here; the history keeps all." />
    </Dialog>
  );
}

/** What the next model learns from; it closes nothing. */
function FeedbackButtons({ alert }: { alert: AlertResponse }) {
  const can = useCan();
  const toast = useToast();
  const said = useQuery({
    queryKey: ["feedback", alert.alert_id], enabled: can("feedback.read", alert.tenant_id),
    queryFn: ({ signal }) => listFeedback({ alert_id: alert.alert_id, limit: 100 }, signal),
  });
  const last = said.data?.feedback.at(-1);
  const say = (right: boolean) =>
    createFeedback({ alert_id: alert.alert_id, is_true_positive: right }).then(
      () => {
        toast({ text: right ? "Feedback kept: a true positive" : "Feedback kept: a false positive" });
        void said.refetch();
      },
      () => toast({ text: "The feedback was not taken", kind: "problem" }),
    );
  return (
    <span className="row" role="group" aria-label="Feedback for the model">
      <span className="faint">was it right?</span>
      <Button kind="quiet" aria-pressed={last?.is_true_positive === true} title={last ? `Last said by ${last.author}` : undefined}
        onClick={() => void say(true)}>{last?.is_true_positive === true ? "✓ " : ""}True positive</Button>
      <Button kind="quiet" aria-pressed={last?.is_true_positive === false} title={last ? `Last said by ${last.author}` : undefined}
        onClick={() => void say(false)}>{last?.is_true_positive === false ? "✓ " : ""}Not an attack</Button>
    </span>
  );
}
