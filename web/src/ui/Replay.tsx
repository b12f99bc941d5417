// The window's minutes as they went: a slider, and a button that moves it.
import { useEffect, useMemo, useState } from "react";
import type { WindowGraph } from "@/api";
import { useParam, useScope } from "@/app/scope";
import { formatNumber, formatTime } from "@/lib/format";
import { Button } from "./Button";

const STEPS = 60;
const STEP_MS = 200;

export interface ReplayState {
  /** What came later is drawn quiet; null: all of it is there. */
  until: number | null;
  step: number;
  playing: boolean;
  set: (step: number) => void;
  play: (on: boolean) => void;
}

export function useReplay(from: number, to: number): ReplayState {
  const [shown, setShown] = useParam("step");
  const [step, setStep] = useState(() => (/^\d{1,2}$/.test(shown) ? Math.min(STEPS, Number(shown)) : STEPS));
  const [playing, setPlaying] = useState(false);
  const set = (next: number) => {
    setStep(next);
    setShown(next === STEPS ? null : String(next), true);
  };
  useEffect(() => {
    if (!playing) return undefined;
    const timer = setInterval(() => setStep((old) => Math.min(STEPS, old + 1)), STEP_MS);
    return () => clearInterval(timer);
  }, [playing]);
  useEffect(() => {
    if (step >= STEPS) setPlaying(false);
  }, [step]);
  const play = (on: boolean) => {
    if (on && step >= STEPS) setStep(0);
    if (!on) setShown(String(step), true);
    setPlaying(on);
  };
  return { until: step >= STEPS ? null : from + ((to - from) * step) / STEPS, step, playing, set, play };
}

export function Replay({ replay, from, to, data }: { replay: ReplayState; from: number; to: number; data: WindowGraph }) {
  const { zone } = useScope();
  const at = replay.until ?? to;
  const firsts = useMemo(() => data.edges.map((edge) => edge.first_seen ?? from), [data, from]);
  const there = firsts.filter((first) => first <= at).length;
  // How much begins in each part: a slider that shows where something happens.
  const bars = useMemo(() => {
    const counts = Array.from({ length: STEPS }, () => 0);
    for (const first of firsts) counts[Math.max(0, Math.min(STEPS - 1, Math.floor(((first - from) / (to - from)) * STEPS)))]!++;
    const most = Math.max(1, ...counts);
    return counts.map((count) => (count ? Math.max(0.12, Math.sqrt(count / most)) : 0));
  }, [firsts, from, to]);
  return (
    <div className="replay">
      <Button onClick={() => replay.play(!replay.playing)}>{replay.playing ? "Pause" : "Replay"}</Button>
      <div className="replay-track">
        <svg className="replay-bars" viewBox={`0 0 ${STEPS} 1`} preserveAspectRatio="none" aria-hidden="true">
          {bars.map((size, part) => (
            <rect key={part} x={part + 0.1} width={0.8} y={1 - size} height={size} className={part < replay.step ? "replay-past" : "replay-coming"} />
          ))}
        </svg>
        <input
          type="range" min={0} max={STEPS} value={replay.step} aria-label="Time within the window" aria-valuetext={formatTime(at, zone, "seconds")}
          onChange={(event) => replay.set(Number(event.target.value))}
        />
      </div>
      <span className="replay-time num">
        {formatTime(at, zone, "clock")} <span className="faint">{formatNumber(there)} of {formatNumber(firsts.length)} edges</span>
      </span>
    </div>
  );
}
