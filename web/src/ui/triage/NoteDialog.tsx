import { useRef, useState, type KeyboardEvent } from "react";
import type { AlertResponse } from "@/api";
import { plural } from "@/lib/format";
import type { Step } from "@/lib/triage";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Checkbox, TextArea } from "@/ui/Field";
import { Text } from "@/ui/Text";

export interface Answer {
  notes: string | null;
  /** What to say to the next model; null: nothing. */
  feedback: boolean | null;
}

const NOTES_MAX = 4000;

/** Asks what was found before an alert is closed; the note stays in its history. */
export function NoteDialog({ alerts, step, mayTeach, onAnswer, onClose }: {
  alerts: readonly AlertResponse[]; step: Step; mayTeach: boolean; onAnswer: (answer: Answer) => void; onClose: () => void;
}) {
  const [notes, setNotes] = useState("");
  const wrong = step.to === "false_positive";
  const [teach, setTeach] = useState(wrong);
  const form = useRef<HTMLFormElement>(null);
  const submit = () => onAnswer({ notes: notes.trim() || null, feedback: teach && mayTeach ? !wrong : null });
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      submit();
    }
  };
  return (
    <Dialog
      title={alerts.length === 1 ? step.label : `${step.label}: ${plural(alerts.length, "alert")}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" onClick={submit}>{step.label}</Button>
        </>
      }
    >
      {alerts.length === 1 && <p className="faint"><Text value={alerts[0]!.title} max={200} wrap /></p>}
      <form ref={form} className="stack" onKeyDown={onKey} onSubmit={(event) => { event.preventDefault(); submit(); }}>
        <TextArea
          label="What did you find?" autoFocus rows={4} maxLength={NOTES_MAX} value={notes}
          hint="Kept in the alert's history, under your name. Ctrl+Enter sends it."
          onChange={(event) => setNotes(event.target.value)}
        />
        {mayTeach && (
          <Checkbox
            label={wrong ? "Tell the next model that this was no attack" : "Tell the next model that this was an attack"}
            checked={teach} onChange={(event) => setTeach(event.target.checked)}
          />
        )}
      </form>
    </Dialog>
  );
}
