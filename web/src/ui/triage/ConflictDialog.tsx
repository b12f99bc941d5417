import { useQuery } from "@tanstack/react-query";
import { getAlertHistory, type AlertPatch, type AlertResponse } from "@/api";
import { useSession } from "@/app/session";
import { words } from "@/lib/format";
import { differences, stepAllowed } from "@/lib/triage";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";

export interface Conflict {
  seen: AlertResponse;
  theirs: AlertResponse;
  patch: AlertPatch;
}

/** Somebody was faster: both versions and names; nothing of theirs is overwritten unasked. */
export function ConflictDialog({ conflict, onKeep, onApply }: {
  conflict: Conflict; onKeep: () => void; onApply: () => void;
}) {
  const { seen, theirs, patch } = conflict;
  const { me } = useSession();
  const history = useQuery({
    queryKey: ["alert", theirs.alert_id, "history", theirs.version],
    queryFn: ({ signal }) => getAlertHistory(theirs.alert_id, signal),
  });
  const last = history.data?.history.filter((row) => !row.actor.startsWith("system:")).at(-1);
  const who = last?.actor ?? "somebody else";
  const rows = differences(seen, theirs, patch);
  const possible = patch.status === undefined || patch.status === theirs.status || stepAllowed(theirs.status, patch.status);
  const shown = (value: string | null) => (value === null || value === "" ? "–" : <Text value={words(value)} max={300} wrap />);
  return (
    <Dialog
      wide
      title="Someone was faster"
      onClose={onKeep}
      actions={
        <>
          {possible && <Button onClick={onApply}>Change it to yours all the same</Button>}
          <Button kind="primary" autoFocus onClick={onKeep}>Keep theirs</Button>
        </>
      }
    >
      <p>
        <strong><Text value={who} max={80} /></strong> changed this alert{last && <> at <Time at={last.at} style="clock" /></>} while you
        were looking at it. Your change was not made, and theirs stands.
      </p>
      <table className="versions">
        <thead>
          <tr>
            <th scope="col"><span className="sr-only">What</span></th>
            <th scope="col">As you saw it</th>
            <th scope="col">Now, by <Text value={who} max={40} /></th>
            <th scope="col">Yours (<Text value={me.actor} max={40} />)</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.field}>
              <th scope="row">{row.field}</th>
              <td>{shown(row.seen)}</td>
              <td className={row.seen === row.theirs ? undefined : "versions-changed"}>{shown(row.theirs)}</td>
              <td className={row.yours === null ? undefined : "versions-yours"}>{row.yours === null ? <span className="faint">unchanged</span> : shown(row.yours)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {!possible && <p className="faint">From {words(theirs.status)} it cannot become {words(patch.status ?? "")} in one step.</p>}
    </Dialog>
  );
}
