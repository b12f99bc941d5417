import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { getDeadLetter, type DeadLetter } from "@/api";
import { formatBytes, words } from "@/lib/format";
import { Button } from "@/ui/Button";
import { Facts, Panel } from "@/ui/Panel";
import { Loaded } from "@/ui/states";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { problemText } from "./Confirm";

const SHOWN = 20_000;

interface Props {
  id: string;
  write: boolean;
  onClose: () => void;
  act: (what: "replay" | "drop", ids: string[]) => Promise<void>;
}

function Actions({ letter, act }: { letter: DeadLetter; act: Props["act"] }) {
  const [problem, setProblem] = useState<string | null>(null);
  const run = (what: "replay" | "drop") => act(what, [letter.id]).catch((error: unknown) => setProblem(problemText(error)));
  if (letter.state !== "open") return null;
  return (
    <div className="row">
      <Button onClick={() => void run("replay")}>Replay</Button>
      <Button kind="danger" onClick={() => void run("drop")}>Drop</Button>
      {problem && <span className="field-error" role="alert">{problem}</span>}
    </div>
  );
}

/** One record with its bytes, as text where they are text. */
export function DeadLetterPanel({ id, write, onClose, act }: Props) {
  const query = useQuery({ queryKey: ["dead-letters", "one", id], queryFn: ({ signal }) => getDeadLetter(id, signal) });
  return (
    <Panel title="Dead letter" wide onClose={onClose}>
      <Loaded query={query} what="The dead letter">
        {(letter) => (
          <>
            {write && <Actions letter={letter} act={act} />}
            <Facts
              items={[
                ["Reason", <Text key="r" value={words(letter.reason)} />],
                ["Detail", <Text key="d" value={letter.detail} max={1000} wrap />],
                ["State", letter.state],
                ["Stage", <Text key="s" value={letter.stage} />],
                ["From", <Text key="t" value={`${letter.topic ?? "?"} ${letter.partition ?? "?"}:${letter.offset ?? "?"}`} mono />],
                ["Tenant", <Text key="n" value={letter.tenant_id} />],
                ["Endpoint", <Text key="e" value={letter.endpoint} />],
                ["Sent by", <Text key="p" value={letter.principal} mono />],
                ["Received", <Time key="a" at={letter.received_at} />],
                ["Given up", <Time key="g" at={letter.dead_at} />],
                ["Size", formatBytes(letter.size)],
              ]}
            />
            <h3>{letter.text !== undefined ? "The record" : "The record's bytes, as base64"}</h3>
            <div className="admin-record" tabIndex={0} role="region" aria-label="The record">
              <Text value={letter.text ?? letter.base64} max={SHOWN} mono wrap />
            </div>
          </>
        )}
      </Loaded>
    </Panel>
  );
}
