// Moving alerts through their life, from the queue and from an alert's own page: shown at once,
// confirmed by the server, taken back with z, and never over somebody else's change.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useState, type ReactNode } from "react";
import {
  ApiError, createFeedback, OfflineError, patchAlert, type AlertPatch, type AlertResponse, type AlertStatus,
} from "@/api";
import { useCan, useSession } from "@/app/session";
import { plural } from "@/lib/format";
import { onlyMachine, patchOf, stepAllowed, stepTo, undoOf, type Step } from "@/lib/triage";
import { useToast } from "@/ui/Toast";
import { BulkDialog, type BulkState } from "./BulkDialog";
import { ConflictDialog, type Conflict } from "./ConflictDialog";
import { NoteDialog, type Answer } from "./NoteDialog";

export interface Triage {
  /** Moves them; asks for a note first where the step closes. */
  step: (alerts: readonly AlertResponse[], to: AlertStatus) => void;
  assign: (alerts: readonly AlertResponse[], who: string | null) => void;
  note: (alert: AlertResponse, notes: string) => void;
  dialogs: ReactNode;
}

const AT_ONCE = 4;
const TRIES = 4;

function whyNot(error: unknown): string {
  if (error instanceof OfflineError) return "The platform does not answer";
  if (error instanceof ApiError) {
    if (error.status === 412) return "Someone else changed it meanwhile";
    if (error.status === 404) return "It is no longer there";
    return error.problem.detail ?? error.problem.title;
  }
  return "The page itself failed";
}

const wait = (seconds: number) => new Promise((done) => setTimeout(done, seconds * 1000));

/** Sends one change; what only new verdicts have made newer is no reason to stop. */
async function send(seen: AlertResponse, patch: AlertPatch): Promise<AlertResponse> {
  let base = seen;
  for (let attempt = 1; ; attempt++) {
    try {
      return await patchAlert(base.alert_id, patch, base.version);
    } catch (error) {
      if (!(error instanceof ApiError) || attempt >= TRIES) throw error;
      const now = error.problem.current as AlertResponse | undefined;
      if (error.status === 412 && now && onlyMachine(seen, now)) base = now;
      else if ((error.status === 429 || error.status === 503) && error.retryAfter) await wait(Math.min(error.retryAfter, 10));
      else throw error;
    }
  }
}

interface Change {
  title: string;
  done: string;
  patchFor: (alert: AlertResponse) => AlertPatch;
  feedback: boolean | null;
  notes: string | null;
}

/** `onAlert` gets every alert as it is to be shown: changed at once, then as the server has it. */
export function useTriage(onAlert: (alert: AlertResponse) => void): Triage {
  const { me } = useSession();
  const can = useCan();
  const toast = useToast();
  const cache = useQueryClient();
  const show = useRef(onAlert);
  show.current = onAlert;
  const [ask, setAsk] = useState<{ alerts: readonly AlertResponse[]; step: Step } | null>(null);
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const [bulk, setBulk] = useState<BulkState | null>(null);
  const stopped = useRef(false);
  const again = useRef<() => void>(() => undefined);

  const settled = useCallback(
    (alert: AlertResponse) => {
      show.current(alert);
      cache.setQueryData(["alert", alert.alert_id], alert);
      void cache.invalidateQueries({ queryKey: ["alert", alert.alert_id, "history"] });
      void cache.invalidateQueries({ queryKey: ["alerts"] });
    },
    [cache],
  );

  const teach = useCallback(
    (alert: AlertResponse, change: Change) =>
      change.feedback === null
        ? Promise.resolve()
        : createFeedback({ alert_id: alert.alert_id, is_true_positive: change.feedback, note: change.notes }).then(
            () => void cache.invalidateQueries({ queryKey: ["feedback"] }),
            (error: unknown) => toast({ text: `The feedback was not taken: ${whyNot(error)}`, kind: "problem" }),
          ),
    [cache, toast],
  );

  const one = useCallback(
    async (seen: AlertResponse, change: Change, undoable = true) => {
      const patch = change.patchFor(seen);
      show.current({ ...seen, ...patch });
      try {
        const now = await send(seen, patch);
        settled(now);
        void teach(now, change);
        const back = undoOf(seen, patch);
        const mine = patch.assignee !== undefined && patch.status !== undefined ? ", assigned to you" : "";
        toast({
          text: change.done + mine,
          ...(undoable
            ? { undo: () => void one(now, { ...change, done: "Taken back", patchFor: () => back, feedback: null }, false) }
            : {}),
        });
      } catch (error) {
        const now = error instanceof ApiError ? (error.problem.current as AlertResponse | undefined) : undefined;
        if (now) {
          settled(now);
          setConflict({ seen, theirs: now, patch });
          return;
        }
        show.current(seen);
        toast({ text: `Not changed: ${whyNot(error)}`, kind: "problem" });
      }
    },
    [settled, teach, toast],
  );

  const many = useCallback(
    async (alerts: readonly AlertResponse[], change: Change, undoable = true) => {
      const state: BulkState = { title: change.title, total: alerts.length, done: 0, running: true, failed: [] };
      const changed: Array<{ before: AlertResponse; now: AlertResponse; patch: AlertPatch }> = [];
      const queue = [...alerts];
      stopped.current = false;
      setBulk({ ...state });
      const worker = async () => {
        for (let seen = queue.shift(); seen && !stopped.current; seen = queue.shift()) {
          const patch = change.patchFor(seen);
          try {
            const now = await send(seen, patch);
            changed.push({ before: seen, now, patch });
            state.done++;
            show.current(now);
            cache.setQueryData(["alert", now.alert_id], now);
            await teach(now, change);
          } catch (error) {
            const now = error instanceof ApiError ? (error.problem.current as AlertResponse | undefined) : undefined;
            if (now) show.current(now);
            state.failed.push({ alert: now ?? seen, why: whyNot(error) });
          }
          setBulk({ ...state, failed: [...state.failed] });
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      void cache.invalidateQueries({ queryKey: ["alerts"] });
      again.current = () => void many(state.failed.map((row) => row.alert), change, undoable);
      // Where all went well there is nothing to read.
      setBulk(state.failed.length || stopped.current ? { ...state, running: false } : null);
      if (!changed.length) return;
      const undo = () => {
        const back = new Map(changed.map((row) => [row.now.alert_id, undoOf(row.before, row.patch)]));
        void many(
          changed.map((row) => row.now),
          { ...change, title: "Take back", done: "Taken back", feedback: null, patchFor: (alert) => back.get(alert.alert_id) ?? {} },
          false,
        );
      };
      toast({ text: `${change.done}: ${plural(changed.length, "alert")}`, ...(undoable ? { undo } : {}) });
    },
    [cache, teach, toast],
  );

  const run = useCallback(
    (alerts: readonly AlertResponse[], change: Change) => {
      if (alerts.length === 1) void one(alerts[0]!, change);
      else if (alerts.length > 1) void many(alerts, change);
    },
    [one, many],
  );

  const move = (alerts: readonly AlertResponse[], step: Step, answer: Answer) =>
    run(alerts, {
      title: step.label, done: step.done, notes: answer.notes, feedback: answer.feedback,
      patchFor: (alert) => patchOf(alert, step.to, answer.notes, me.name),
    });

  const writable = (alerts: readonly AlertResponse[]) => alerts.filter((alert) => can("alerts.write", alert.tenant_id));

  const step: Triage["step"] = (alerts, to) => {
    const wanted = writable(alerts);
    const able = wanted.filter((alert) => stepAllowed(alert.status, to));
    const next = stepTo(to);
    if (!able.length) {
      if (wanted.length) toast({ text: wanted.every((alert) => alert.status === to) ? "It is that already" : "Reopen it first: a closed alert changes only by way of an active state" });
      return;
    }
    if (next.asks) setAsk({ alerts: able, step: next });
    else move(able, next, { notes: null, feedback: null });
  };
  const assign: Triage["assign"] = (alerts, who) =>
    run(writable(alerts).filter((alert) => (alert.assignee ?? null) !== who), {
      title: "Assign", done: who ? (who === me.name ? "Assigned to you" : "Assigned") : "Assigned to nobody", notes: null, feedback: null,
      patchFor: () => ({ assignee: who }),
    });
  const note: Triage["note"] = (alert, notes) =>
    run([alert], { title: "Note", done: "Note kept", notes: null, feedback: null, patchFor: () => ({ analyst_notes: notes }) });

  const dialogs = (
    <>
      {ask && (
        <NoteDialog
          alerts={ask.alerts} step={ask.step} onClose={() => setAsk(null)}
          mayTeach={ask.alerts.every((alert) => can("feedback.write", alert.tenant_id))}
          onAnswer={(answer) => {
            setAsk(null);
            move(ask.alerts, ask.step, answer);
          }}
        />
      )}
      {conflict && (
        <ConflictDialog
          conflict={conflict} onKeep={() => setConflict(null)}
          onApply={() => {
            setConflict(null);
            void one(conflict.theirs, { title: "Change", done: "Changed", notes: null, feedback: null, patchFor: () => conflict.patch });
          }}
        />
      )}
      {bulk && (
        <BulkDialog
          state={bulk} onClose={() => setBulk(null)} onRetry={() => again.current()}
          onStop={() => {
            stopped.current = true;
          }}
        />
      )}
    </>
  );
  return { step, assign, note, dialogs };
}
