import { useState, type FormEvent, type ReactNode } from "react";
import { useFilters } from "@/app/scope";
import { words } from "@/lib/format";
import { Text } from "./Text";

interface Props {
  /** Fields that can be filtered by here, for typing `field:value`. */
  fields: readonly string[];
  children?: ReactNode;
}

/** The address's filters as chips, and a box to add one: `user:alice`, `-image:svchost.exe`. */
export function FilterBar({ fields, children }: Props) {
  const { filters, add, set } = useFilters();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = /^(-?)\s*([a-z_.]+)\s*[:=]\s*(.+)$/is.exec(text.trim());
    const field = found?.[2]!.toLowerCase();
    if (!found || !field || !fields.includes(field)) {
      setProblem(`Write field:value, with one of ${fields.join(", ")}`);
      return;
    }
    add({ field, value: found[3]!, out: found[1] === "-" });
    setText("");
    setProblem("");
  };
  return (
    <div className="filters">
      {children}
      <ul className="chips" aria-label="Filters">
        {filters.map((filter) => (
          <li key={`${filter.out}${filter.field}:${filter.value}`} className={`chip ${filter.out ? "chip-out" : ""}`}>
            <button
              type="button"
              title={filter.out ? "Left out. Turn into: only these" : "Only these. Turn into: left out"}
              onClick={() => set(filters.map((one) => (one === filter ? { ...one, out: !one.out } : one)))}
            >
              {filter.out && <span className="chip-not">not </span>}
              <span className="chip-field">{words(filter.field)}</span> <Text value={filter.value} max={40} middle />
            </button>
            <button type="button" aria-label={`Remove filter ${filter.field}`} onClick={() => set(filters.filter((one) => one !== filter))}>
              ×
            </button>
          </li>
        ))}
      </ul>
      <form onSubmit={submit} className="filter-add">
        <input
          className="input" aria-label="Add a filter" placeholder="Add filter: field:value" list="filter-fields" spellCheck={false}
          autoComplete="off" aria-invalid={problem ? true : undefined}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setProblem("");
          }}
        />
        <datalist id="filter-fields">
          {fields.map((field) => <option key={field} value={`${field}:`} />)}
        </datalist>
      </form>
      {problem && <span className="field-error" role="alert">{problem}</span>}
      {filters.length > 1 && (
        <button type="button" className="button button-quiet" onClick={() => set([])}>
          Clear all
        </button>
      )}
    </div>
  );
}
