// Tactics side by side, the techniques seen in attacks below them, shaded by how often.
import { useMemo } from "react";
import type { TechniquesResponse } from "@/api";
import { useParam } from "@/app/scope";
import { SUB_NAMES } from "@/lib/subtechniques";
import { matrix, techniqueName, type Counted, type MatrixColumn } from "@/lib/attack";
import { toCsv, download } from "@/lib/csv";
import { formatNumber, plural } from "@/lib/format";
import { Button } from "@/ui/Button";
import { Checkbox } from "@/ui/Field";
import { Link } from "@/ui/Link";
import { Card } from "@/ui/Page";
import { Text } from "@/ui/Text";

const STEPS = 5;

/** 1 to 5 by the logarithm: one technique that is everywhere must not make all others look alike. */
function step(count: number, most: number): number {
  if (count <= 0) return 0;
  return most <= 1 ? 1 : 1 + Math.round(((STEPS - 1) * Math.log(count)) / Math.log(most));
}

function Cell({ row, most }: { row: Counted; most: number }) {
  const name = techniqueName(row.technique);
  const body = (
    <>
      <span className="matrix-id mono"><Text value={row.technique} max={16} /></span>
      <span className="matrix-count num">{row.attacks ? formatNumber(row.attacks) : ""}</span>
      <span className="matrix-name" title={name ?? undefined}>{SUB_NAMES[row.technique] ?? name ?? "not known here"}</span>
    </>
  );
  if (!row.attacks) return <div className="matrix-cell matrix-none">{body}</div>;
  return (
    <Link to="/attacks" params={{ technique: row.technique }} className={`matrix-cell matrix-${step(row.attacks, most)}`}
      aria-label={`${row.technique} ${name ?? ""}: ${plural(row.attacks, "attack")} on ${plural(row.hosts, "host")}`}
      title={`${plural(row.attacks, "attack")} on ${plural(row.hosts, "host")}`}>
      {body}
    </Link>
  );
}

function Column({ column, most }: { column: MatrixColumn<Counted>; most: number }) {
  const seen = column.rows.filter((row) => row.attacks).length;
  return (
    <li className="matrix-column">
      <h3>{column.tactic}</h3>
      <p className="faint num">{seen ? `${formatNumber(seen)} seen, ${formatNumber(column.sightings)}×` : "not seen"}</p>
      <ul>
        {column.rows.map((row) => <li key={row.technique}><Cell row={row} most={most} /></li>)}
      </ul>
    </li>
  );
}

export function Matrix({ data }: { data: TechniquesResponse }) {
  const [all, setAll] = useParam("all");
  const columns = useMemo(() => matrix<Counted>(data.techniques, all === "1"), [data, all]);
  const most = Math.max(1, ...data.techniques.map((one) => one.attacks));
  // What was not seen takes little room, so that the whole matrix is in sight.
  const tracks = columns.map((column) => (column.rows.length ? "minmax(104px, 1fr)" : "78px")).join(" ");
  const save = () => download("attack-matrix.csv", "text/csv;charset=utf-8", toCsv(
    ["Tactic", "Technique", "Name", "Attacks", "Hosts"],
    columns.flatMap((column) => column.rows.map((row) => [column.tactic, row.technique, techniqueName(row.technique), row.attacks, row.hosts])),
  ));
  return (
    <Card title="ATT&CK matrix" actions={
      <>
        <Checkbox label="Also what was not seen" checked={all === "1"} onChange={(event) => setAll(event.target.checked ? "1" : null)} />
        <Button kind="quiet" onClick={save}>CSV</Button>
      </>
    }>
      <div className="matrix-scroll" tabIndex={0} role="region" aria-label="ATT&CK matrix">
        <ul className="matrix" style={{ gridTemplateColumns: tracks }}>{columns.map((column) => <Column key={column.tactic} column={column} most={most} />)}</ul>
      </div>
      <p className="faint">Verdicts of attack in which a technique was seen; one verdict may show several. Each cell leads to its verdicts.</p>
    </Card>
  );
}
