import { useEffect, useId, useRef, type ReactNode } from "react";
import { useKeys } from "@/app/keys";
import { Button } from "./Button";

interface Props {
  title: ReactNode;
  onClose: () => void;
  /** Buttons in the head. */
  actions?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}

/**
 * Detail beside a list. Whether it is open stands in the address, so that it can be shared:
 *   const [panel, setPanel] = useParam("panel");
 *   {panel && <Panel title=… onClose={() => setPanel(null)}>…</Panel>}
 */
export function Panel({ title, onClose, actions, wide, children }: Props) {
  const panel = useRef<HTMLElement>(null);
  const before = useRef<Element | null>(null);
  const id = useId();
  useKeys("Panel", [{ key: "Escape", label: "Close", run: onClose }]);
  useEffect(() => {
    before.current = document.activeElement;
    panel.current?.focus({ preventScroll: true });
    return () => (before.current instanceof HTMLElement ? before.current.focus({ preventScroll: true }) : undefined);
  }, []);
  return (
    <aside ref={panel} className={`panel ${wide ? "panel-wide" : ""}`} aria-labelledby={id} tabIndex={-1}>
      <header className="panel-head">
        <h2 id={id}>{title}</h2>
        <div className="row">
          {actions}
          <Button kind="quiet" aria-label="Close the panel" title="Close (Esc)" onClick={onClose}>
            ×
          </Button>
        </div>
      </header>
      <div className="panel-body">{children}</div>
    </aside>
  );
}

/** Names and values, as in the panels. */
export function Facts({ items }: { items: ReadonlyArray<readonly [ReactNode, ReactNode] | null | false | undefined> }) {
  return (
    <dl className="facts">
      {items.map((item, at) =>
        item ? (
          <div key={at}>
            <dt>{item[0]}</dt>
            <dd>{item[1]}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}
