import type { AlertResponse } from "@/api";
import { plural } from "@/lib/format";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Text } from "@/ui/Text";

export interface BulkState {
  title: string;
  total: number;
  done: number;
  running: boolean;
  failed: Array<{ alert: AlertResponse; why: string }>;
}

/** How far a change of many alerts is, and which of them could not be changed, each with its reason. */
export function BulkDialog({ state, onStop, onRetry, onClose }: {
  state: BulkState; onStop: () => void; onRetry: () => void; onClose: () => void;
}) {
  const tried = state.done + state.failed.length;
  return (
    <Dialog
      wide={state.failed.length > 0}
      title={`${state.title}: ${plural(state.total, "alert")}`}
      onClose={state.running ? onStop : onClose}
      actions={
        state.running ? <Button onClick={onStop}>Stop</Button> : (
          <>
            {state.failed.length > 0 && <Button onClick={onRetry}>Try the {plural(state.failed.length, "failed one")} again</Button>}
            <Button kind="primary" autoFocus onClick={onClose}>Close</Button>
          </>
        )
      }
    >
      <div
        className="progress" role="progressbar" aria-label="Progress" aria-valuemin={0} aria-valuemax={state.total} aria-valuenow={tried}
      >
        <span style={{ width: `${state.total ? (tried / state.total) * 100 : 100}%` }} />
      </div>
      <p role="status">
        {plural(state.done, "alert")} changed{state.failed.length > 0 && `, ${plural(state.failed.length, "alert")} not`}
        {state.running ? "…" : tried < state.total ? `; stopped with ${plural(state.total - tried, "alert")} left` : "."}
      </p>
      {state.failed.length > 0 && (
        <ul className="failures" aria-label="What could not be changed">
          {state.failed.map((one) => (
            <li key={one.alert.alert_id}>
              <Text value={one.alert.title} max={120} />
              <Text value={one.why} max={300} wrap />
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
