import type { EvidenceNode, InferenceResponse } from "@/api";
import { oddsToProb, receivedShare } from "@/lib/eventtext";
import { formatDuration, formatNumber, formatPercent, formatProb, words } from "@/lib/format";
import { techniqueName } from "@/lib/attack";
import { baseName } from "@/lib/process";
import { shareStep } from "@/lib/share";
import { nodeFilter } from "@/lib/windowgraph";
import { NodeShape } from "@/ui/GraphLegend";
import { LedgerRows } from "@/ui/Ledger";
import { Link } from "@/ui/Link";
import { Card } from "@/ui/Page";
import { Facts } from "@/ui/Panel";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { Value } from "@/ui/Value";

const MEMBERS: ReadonlyArray<readonly [string, string]> = [
  ["gat", "Graph networks"], ["tokens", "Graph tokens"], ["trees", "Boosted trees"],
];

function number(of: Record<string, unknown> | undefined, name: string): number | null {
  const value = of?.[name];
  return typeof value === "number" ? value : null;
}

function text(of: Record<string, unknown> | undefined, name: string): string | null {
  const value = of?.[name];
  return typeof value === "string" ? value : null;
}

function Bar({ value, attack }: { value: number; attack?: boolean }) {
  return <span className="bar" aria-hidden="true"><span className={attack ? "bar-attack" : ""} style={{ width: `${Math.max(1, value * 100)}%` }} /></span>;
}

function Members({ one }: { one: InferenceResponse }) {
  const floor = number(one.scores, "patterns");
  return (
    <ul className="members">
      {MEMBERS.map(([name, label]) => {
        const odds = number(one.scores, name);
        const prob = oddsToProb(odds);
        return (
          <li key={name} title={odds === null ? "sees nothing of this window" : `log-odds ${odds.toFixed(2)}, before calibration`}>
            <span>{label}</span>
            {prob === null ? <span className="faint">sees nothing of it</span> : <Bar value={prob} attack={prob >= 0.5} />}
            <span className="num">{prob === null ? "–" : formatProb(prob)}</span>
          </li>
        );
      })}
      <li title="The floor that patterns set under the probability">
        <span>Patterns</span>
        {floor ? <Bar value={floor} attack /> : <span className="faint">none matched</span>}
        <span className="num">{floor ? `≥${formatProb(floor)}` : "–"}</span>
      </li>
    </ul>
  );
}

const WHY_NONE: Record<string, string> = { too_few_nodes: "There was too little in the window to judge it." };

export function VerdictCard({ one }: { one: InferenceResponse }) {
  const model = text(one.model, "version");
  const digest = text(one.model, "sha256");
  return (
    <Card title="How sure">
      <div className="verdict-head">
        <span className="verdict-prob num">{formatProb(one.attack_prob)}</span>
        <span className="verdict-word">
          <b>{one.prediction}</b>
          <span className="faint">probability of attack; confidence <span className="num">{formatProb(one.confidence)}</span></span>
        </span>
      </div>
      {one.error && <p>{WHY_NONE[one.error] ?? words(one.error)}</p>}
      {one.idle_allowlisted && <p>Only idle daemons did idle things: the members were not asked.</p>}
      {one.scores && !one.error && !one.idle_allowlisted && <Members one={one} />}
      <Facts
        items={[
          ["Events", <span className="num">{formatNumber(one.events)}</span>],
          ["Graph", <span className="num">{formatNumber(one.graph_nodes)} nodes, {formatNumber(one.graph_edges)} edges</span>],
          one.inference_time_ms === undefined ? null : ["Time taken", formatDuration(one.inference_time_ms / 1000)],
          model ? ["Model", <Text value={model} max={40} />] : null,
          digest ? ["Its digest", <Text value={digest} max={20} middle mono />] : null,
          ["Received", <Time at={one.received_at} />],
        ]}
      />
    </Card>
  );
}

export function LedgerCard({ one }: { one: InferenceResponse }) {
  const share = receivedShare({ events: one.events, ...one.ledger });
  const cut = one.truncated ?? 0;
  return (
    <Card title="What it rests on">
      <p className="num">
        {formatNumber(one.events)} events{share !== null && share < 1 && <>, <b>{formatPercent(share, 1)}</b> of what is known of</>}
        {(one.late_events ?? 0) > 0 && <>, {formatNumber(one.late_events)} of them late</>}.
        {cut > 0 && <> ▲ {formatNumber(cut)} nodes and edges were left out of the graph.</>}
      </p>
      <LedgerRows ledger={one.ledger} />
    </Card>
  );
}

export function EvidenceCard({ one }: { one: InferenceResponse }) {
  const list = (one.evidence ?? []) as EvidenceNode[];
  const most = Math.max(0.01, ...list.map((each) => each.share));
  return (
    <Card title="Why, by share of the verdict">
      {list.length === 0 ? (
        <p className="faint">{one.prediction === "attack" ? "The verdict has no evidence." : "Evidence is measured for attacks only."}</p>
      ) : (
        <ul className="evidence">
          {list.map((each, at) => (
            <li key={at}>
              <NodeShape type={each.type} step={shareStep(each.share)} />
              <span className="evidence-what">
                <span className="row">
                  <Value {...nodeFilter(each.type, each.name)} max={64} middle mono />
                  {each.techniques?.map((name) => <Value key={name} field="technique" value={name} mono />)}
                </span>
                {each.command_line && baseName(each.name) !== each.command_line && (
                  <span className="evidence-command"><Text value={each.command_line} max={200} mono /></span>
                )}
              </span>
              <span className="bar" aria-hidden="true"><span className="bar-attack" style={{ width: `${(each.share / most) * 100}%` }} /></span>
              <Link to={`/inferences/${encodeURIComponent(one.inference_id)}/graph`} params={each.node === undefined ? {} : { node: `n${each.node}` }}
                className="num" aria-label={`${formatPercent(each.share, 1)}, ${each.type} in the graph`}>
                {formatPercent(each.share, each.share < 0.1 ? 1 : 0)}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

export function TechniquesCard({ one }: { one: InferenceResponse }) {
  const list = one.ttp_techniques ?? [];
  return (
    <Card title="Techniques">
      {list.length === 0 ? (
        <p className="faint">No pattern of a technique matched.</p>
      ) : (
        <ul className="techniques">
          {list.map((name) => (
            <li key={name}>
              <Value field="technique" value={name} mono />
              <span>{techniqueName(name) ?? ""}</span>
              {!/^T\d{4}(\.\d{3})?$/.test(name) ? <span /> : (
                <a href={`https://attack.mitre.org/techniques/${name.replace(".", "/")}/`} target="_blank" rel="noreferrer noopener">
                  attack.mitre.org
                </a>
              )}
              <Link to="/attacks" params={{ technique: name }}>Other verdicts</Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
