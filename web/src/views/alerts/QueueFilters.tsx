import { useEffect, useState } from "react";
import { useAddress } from "@/app/scope";
import { useSession } from "@/app/session";
import { SEVERITIES, severityShape } from "@/lib/severity";
import { ALERT_FIELDS } from "@/lib/triage";
import { Select } from "@/ui/Field";
import { FilterBar } from "@/ui/FilterBar";
import { Text } from "@/ui/Text";
import type { QueueView } from "./useQueue";

const PRESETS = [
  ["active", "Active"], ["open", "Open"], ["acknowledged", "Acknowledged"], ["investigating", "Investigating"], ["closed", "Closed"], ["all", "All"],
] as const;
const TYPING_MS = 250;

/** Everything of it lives in the address. */
export function QueueFilters({ view, people }: { view: QueueView; people: readonly string[] }) {
  const [, set] = useAddress();
  const { me } = useSession();
  const names = [...new Set([...people, ...(view.assignee && view.assignee !== "-" ? [view.assignee] : [])])].filter((name) => name !== me.name).sort();
  const toggle = (severity: (typeof SEVERITIES)[number]) =>
    set({ severity: view.severity.includes(severity) ? view.severity.filter((one) => one !== severity) : [...view.severity, severity] });
  return (
    <div className="queue-filters">
      <div className="row queue-line">
        <div className="segments" role="group" aria-label="Status">
          {PRESETS.map(([id, label]) => (
            <button key={id} type="button" aria-pressed={view.preset === id} onClick={() => set({ status: id === "active" ? null : id })}>
              {label}
            </button>
          ))}
        </div>
        <div className="segments" role="group" aria-label="Severity">
          {SEVERITIES.map((one) => (
            <button key={one} type="button" aria-pressed={view.severity.includes(one)} onClick={() => toggle(one)}>
              <span aria-hidden="true" className={`severity-${one}`}>{severityShape(one)}</span> {one}
            </button>
          ))}
        </div>
        <Select
          label="Assignee" hideLabel value={view.assignee} onChange={(event) => set({ assignee: event.target.value })}
          options={[
            { value: "", label: "Anyone's" }, { value: me.name, label: "Mine" }, { value: "-", label: "Nobody's" },
            ...names.map((name) => ({ value: name, label: name })),
          ]}
        />
      </div>
      <FilterBar fields={ALERT_FIELDS}>
        <FindText value={view.text} onChange={(text) => set({ q: text }, true)} />
        {view.technique && (
          <span className="chip">
            <button type="button" title="Remove" onClick={() => set({ technique: null })}>
              <span className="chip-field">technique</span> <Text value={view.technique} max={20} /> ×
            </button>
          </span>
        )}
      </FilterBar>
    </div>
  );
}

/** The address follows when typing pauses; the address changing (back, a link) shows here. */
function FindText({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text.trim() === value) return undefined;
    const timer = setTimeout(() => onChange(text.trim()), TYPING_MS);
    return () => clearTimeout(timer);
    // onChange is new on each render; what counts is what was typed.
  }, [text, value]);
  return (
    <input
      className="input queue-find" type="search" aria-label="Find in titles, descriptions, names and notes" placeholder="Find in alerts"
      value={text} maxLength={200} spellCheck={false} autoComplete="off" onChange={(event) => setText(event.target.value)}
      onKeyDown={(event) => event.key === "Escape" && (event.target as HTMLInputElement).blur()}
    />
  );
}
