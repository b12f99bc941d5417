import { useState, type FormEvent } from "react";
import { rememberZone, useAddress, useScope } from "@/app/scope";
import { formatTime } from "@/lib/format";
import { describeRange, formatPoint, localZone, moveRange, parsePoint, parseWall, PRESETS, validZone } from "@/lib/range";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Input, Select } from "./Field";
import { Icon } from "./Icon";
import { Menu } from "./Menu";

/** Reads what a person types: now-2h, RFC 3339, or the wall clock of the zone. */
function readPoint(text: string, zone: string): string | null {
  const clean = text.trim();
  if (parsePoint(clean, 0) !== null || /^now/.test(clean)) return parsePoint(clean, Date.now() / 1000) === null ? null : clean;
  const wall = parseWall(clean, zone);
  return wall === null ? null : formatPoint(wall);
}

function zones(present: string): Array<{ value: string; label: string }> {
  const local = localZone();
  const known = (Intl as { supportedValuesOf?: (key: string) => string[] }).supportedValuesOf?.("timeZone") ?? [];
  const first = ["UTC", local, present].filter((zone, at, all) => all.indexOf(zone) === at);
  return [...first, ...known.filter((zone) => !first.includes(zone))].map((zone) => ({
    value: zone,
    label: zone === local && zone !== "UTC" ? `${zone} (this computer)` : zone,
  }));
}

function CustomRange({ onClose }: { onClose: () => void }) {
  const scope = useScope();
  const [, set] = useAddress();
  const show = (text: string) => {
    const point = parsePoint(text, Date.now() / 1000);
    return text.startsWith("now") || point === null ? text : formatTime(point, scope.zone);
  };
  const [zone, setZone] = useState(scope.zone);
  const [from, setFrom] = useState(() => show(scope.from));
  const [to, setTo] = useState(() => show(scope.to));
  const [problem, setProblem] = useState<{ from?: string; to?: string }>({});

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const start = readPoint(from, zone);
    const end = readPoint(to, zone);
    const words = "2026-11-23 09:00, 2026-11-23T09:00:00Z or now-2h";
    const now = Date.now() / 1000;
    if (start === null || end === null) {
      setProblem({ ...(start === null ? { from: words } : {}), ...(end === null ? { to: words } : {}) });
      return;
    }
    if (parsePoint(start, now)! >= parsePoint(end, now)!) {
      setProblem({ to: "The end must lie after the beginning" });
      return;
    }
    if (!validZone(zone)) return;
    rememberZone(zone);
    set({ from: start, to: end === "now" ? null : end, tz: zone });
    onClose();
  };

  return (
    <Dialog
      title="Time range"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" form="range-form">
            Apply
          </Button>
        </>
      }
    >
      <form id="range-form" onSubmit={submit} className="stack">
        <Input label="From" value={from} onChange={(event) => setFrom(event.target.value)} error={problem.from} autoFocus spellCheck={false} />
        <Input label="To" value={to} onChange={(event) => setTo(event.target.value)} error={problem.to} spellCheck={false}
          hint="2026-11-23 09:00 in the zone below, RFC 3339, or now-2h" />
        <Select label="Zone" value={zone} onChange={(event) => setZone(event.target.value)} options={zones(scope.zone)} />
      </form>
    </Dialog>
  );
}

/** The page's time range and zone: presets, own ends, a step back, forward, out. */
export function TimeRangePicker() {
  const scope = useScope();
  const [, set] = useAddress();
  const [custom, setCustom] = useState(false);
  const now = Date.now() / 1000;
  const label = describeRange(scope.from, scope.to, (at) => formatTime(at, scope.zone, "minutes"), now);

  const move = (by: -1 | 0 | 1) => {
    if (!scope.range) return;
    const next = moveRange(scope.range, by);
    set({ from: formatPoint(next.from), to: next.to >= now ? null : formatPoint(next.to) });
  };
  return (
    <div className="range-picker">
      <Button kind="quiet" aria-label="Earlier" title="Earlier" onClick={() => move(-1)}>
        ‹
      </Button>
      <Menu
        align="end"
        label={`Time range: ${label}, zone ${scope.zone}`}
        className="button button-plain range-button"
        button={
          <>
            <Icon name="clock" /> <span className="num">{label}</span> <span className="faint">{scope.zone}</span> ▾
          </>
        }
        items={[
          ...PRESETS.map((preset) => ({
            label: preset.label,
            checked: scope.from === preset.from && scope.to === "now",
            run: () => set({ from: preset.from === "now-24h" ? null : preset.from, to: null }),
          })),
          { kind: "separator" as const, label: "" },
          { label: "Own range and zone…", run: () => setCustom(true) },
          { label: "Twice as wide", run: () => move(0) },
        ]}
      />
      <Button kind="quiet" aria-label="Later" title="Later" disabled={!scope.range || scope.range.to >= now - 1} onClick={() => move(1)}>
        ›
      </Button>
      {custom && <CustomRange onClose={() => setCustom(false)} />}
    </div>
  );
}
