import type { ReactNode } from "react";
import { formatNumber, formatPercent } from "@/lib/format";
import { Link } from "@/ui/Link";
import { Card } from "@/ui/Page";

export interface Group {
  value: string;
  total: number;
  counts: Record<string, number>;
}

interface Props {
  title: string;
  groups: readonly Group[];
  name: (group: Group) => ReactNode;
  /** The rows behind a group. */
  params: (group: Group) => Record<string, string | string[] | null>;
  empty: string;
}

/** Bars with their numbers: a chart of few parts that reads as a list. */
export function Groups({ title, groups, name, params, empty }: Props) {
  const most = Math.max(1, ...groups.map((one) => one.total));
  const all = groups.reduce((sum, one) => sum + one.total, 0);
  return (
    <Card title={title}>
      {groups.length === 0 ? <p className="faint">{empty}</p> : (
        <ul className="groups">
          {groups.map((group) => (
            <li key={group.value}>
              <span className="groups-name">{name(group)}</span>
              <span className="groups-bar" aria-hidden="true">
                {(["attack", "error", "benign"] as const).map((kind) => group.counts[kind]
                  ? <span key={kind} className={`groups-${kind}`} style={{ width: `${(group.counts[kind]! / most) * 100}%` }} /> : null)}
              </span>
              <Link to="/attacks" params={params(group)} className="num">{formatNumber(group.total)}</Link>
              <span className="num faint">{formatPercent(group.total / all, group.total / all < 0.1 ? 1 : 0)}</span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
