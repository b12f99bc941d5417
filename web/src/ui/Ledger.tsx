// What could not be seen, in words: a verdict says nothing of what never arrived.
import { ledgerGaps } from "@/lib/eventtext";
import { formatNumber, words } from "@/lib/format";

/** Some counts mean waiting, not loss: the words say which. */
const LEDGER_WORDS: Record<string, string> = {
  late_events: "came late, still counted", late_dropped: "came when their windows were closed", refused: "became dead letters", held_back: "waited, the host was over its rate",
  truncated: "with a value that was cut", missed: "missing by their numbers", log_reset: "times a source's numbers began anew", silent_sources: "sources that fell silent",
  forced: "folded before their time, for memory", incomplete: "with parts lost on the way", time_clamped: "with a time that was replaced",
};

export function LedgerRows({ ledger }: { ledger: Record<string, unknown> | undefined }) {
  const gaps = ledgerGaps(ledger);
  if (!gaps.length) return <p>Nothing is known to be missing.</p>;
  return (
    <ul className="ledger">
      {gaps.map(([name, count]) => (
        <li key={name}><span className="num">{formatNumber(count)}</span><span>{LEDGER_WORDS[name] ?? words(name).toLowerCase()}</span></li>
      ))}
    </ul>
  );
}

