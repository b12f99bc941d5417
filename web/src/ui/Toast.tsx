import { createContext, useCallback, useContext, useMemo, useRef, useState, type ReactNode } from "react";
import { useKeys } from "@/app/keys";
import { Button } from "./Button";

export interface ToastMessage {
  text: ReactNode;
  kind?: "done" | "problem";
  /** Offers to take it back, for ten seconds; `z` does the same. */
  undo?: () => void;
}

const ToastContext = createContext<(message: ToastMessage) => void>(() => undefined);
const SHOWN_MS = 5000;
const UNDO_MS = 10_000;

export function useToast(): (message: ToastMessage) => void {
  return useContext(ToastContext);
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<Array<ToastMessage & { id: number }>>([]);
  const count = useRef(0);
  const drop = useCallback((id: number) => setShown((old) => old.filter((one) => one.id !== id)), []);
  const show = useCallback(
    (message: ToastMessage) => {
      const id = ++count.current;
      setShown((old) => [...old.slice(-3), { ...message, id }]);
      setTimeout(() => drop(id), message.undo ? UNDO_MS : SHOWN_MS);
    },
    [drop],
  );
  const undoable = useMemo(() => [...shown].reverse().find((one) => one.undo), [shown]);
  const undo = (one: ToastMessage & { id: number }) => {
    drop(one.id);
    one.undo?.();
  };
  useKeys("Last change", [{ key: "z", label: "Undo", run: () => undoable && undo(undoable) }], Boolean(undoable));

  return (
    <ToastContext.Provider value={show}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {shown.map((one) => (
          <div key={one.id} className={`toast toast-${one.kind ?? "done"}`}>
            <span>{one.text}</span>
            {one.undo && (
              <Button kind="quiet" hotkey="z" onClick={() => undo(one)}>
                Undo
              </Button>
            )}
            <Button kind="quiet" aria-label="Dismiss" onClick={() => drop(one.id)}>
              ×
            </Button>
          </div>
        ))}
      </div>
    </ToastContext.Provider>
  );
}
