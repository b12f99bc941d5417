import { useState, type ReactNode } from "react";
import { ApiError } from "@/api";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";

interface Props {
  title: string;
  /** The verb on the button: "Revoke". */
  verb: string;
  onClose: () => void;
  run: () => Promise<unknown>;
  children: ReactNode;
}

export function problemText(error: unknown): string {
  return error instanceof ApiError ? error.message : error instanceof Error ? error.message : String(error);
}

/** Asks before something that cannot be taken back; stays open and says why when it fails. */
export function Confirm({ title, verb, onClose, run, children }: Props) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const act = () => {
    setBusy(true);
    setProblem(null);
    run().then(onClose, (error: unknown) => {
      setBusy(false);
      setProblem(problemText(error));
    });
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="danger" disabled={busy} onClick={act}>
            {verb}
          </Button>
        </>
      }
    >
      <div className="stack">{children}</div>
      {problem && (
        <p className="field-error" role="alert">
          {problem}
        </p>
      )}
    </Dialog>
  );
}
