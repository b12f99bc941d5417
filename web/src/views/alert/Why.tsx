import { useState } from "react";
import type { AlertEvidence, Evidence, InferenceResponse } from "@/api";
import { receivedShare } from "@/lib/eventtext";
import { formatNumber, formatPercent, formatProb } from "@/lib/format";
import { baseName } from "@/lib/process";
import { memberProb } from "@/lib/story";
import { Button } from "@/ui/Button";
import { LedgerRows } from "@/ui/Ledger";
import { Link } from "@/ui/Link";
import { Card } from "@/ui/Page";
import { Text } from "@/ui/Text";
import { Value } from "@/ui/Value";

const FEW = 6;
const MEMBERS = [["gat", "graph network"], ["tokens", "graph tokens"], ["trees", "trees"]] as const;

function Bars({ evidence, inference }: { evidence: readonly Evidence[]; inference: InferenceResponse | null }) {
  const [all, setAll] = useState(false);
  const most = Math.max(0.01, ...evidence.map((one) => one.share));
  return (
    <>
      <ul className="why">
        {evidence.slice(0, all ? evidence.length : FEW).map((one, at) => (
          <li key={at}>
            <span className="bar" aria-hidden="true"><span className="bar-attack" style={{ width: `${(one.share / most) * 100}%` }} /></span>
            <span className="why-name">
              <span className="faint">{one.type}</span> <Text value={one.type === "process" ? baseName(one.name) : one.name} max={48} middle />
            </span>
            {inference ? (
              <Link to={`/inferences/${inference.inference_id}/graph`} params={one.node === undefined ? {} : { node: `n${one.node}` }} className="num"
                aria-label={`${formatPercent(one.share, 1)} of the verdict: show in the graph`}>
                {formatPercent(one.share, one.share < 0.1 ? 1 : 0)}
              </Link>
            ) : <span className="num">{formatPercent(one.share)}</span>}
          </li>
        ))}
      </ul>
      {evidence.length > FEW && <Button kind="quiet" onClick={() => setAll(!all)}>{all ? "Fewer" : `All ${evidence.length}`}</Button>}
    </>
  );
}

function Members({ one }: { one: InferenceResponse }) {
  const patterns = typeof one.scores?.patterns === "number" ? one.scores.patterns : 0;
  return (
    <p className="why-members">
      <span className="faint">Members:</span>
      {MEMBERS.map(([name, label]) => (
        <span key={name} title="Before calibration">{label} <b className="num">{formatProb(memberProb(one.scores?.[name]))}</b></span>
      ))}
      <span title="The floor that patterns set under the probability">patterns <b className="num">{patterns > 0 ? `≥${formatProb(patterns)}` : "none"}</b></span>
    </p>
  );
}

/** Why the alert is there and what it rests on: no black box, no false certainty. */
export function Why({ data, verdict }: { data: AlertEvidence; verdict: InferenceResponse | null }) {
  const share = verdict ? receivedShare({ events: verdict.events, ...verdict.ledger }) : null;
  return (
    <Card title="Why (share of the verdict)" actions={verdict && <Link to={`/inferences/${verdict.inference_id}`}>The verdict</Link>}>
      {data.evidence.length ? <Bars evidence={data.evidence} inference={verdict} /> : <p className="faint">The verdict has no evidence.</p>}
      {data.ttp_techniques.length > 0 && (
        <p className="why-members"><span className="faint">Techniques:</span>{data.ttp_techniques.map((id) => <Value key={id} field="technique" value={id} mono />)}</p>
      )}
      {verdict?.scores && <Members one={verdict} />}
      {verdict ? (
        <details className="why-rests">
          <summary>
            Rests on <b className="num">{formatNumber(verdict.events)}</b> events
            {share !== null && share < 1 ? <>, <b className="num">{formatPercent(share, 1)}</b> of what is known of: see what was not seen</> : ""}
          </summary>
          <LedgerRows ledger={verdict.ledger} />
        </details>
      ) : <p className="faint">The verdicts behind it are no longer stored.</p>}
    </Card>
  );
}
