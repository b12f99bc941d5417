import { useEffect, type ReactNode } from "react";

interface Props {
  title: string;
  /** Beside the title: counts, badges. */
  note?: ReactNode;
  /** At the right end of the title's row. */
  actions?: ReactNode;
  /** The content fills the height and scrolls inside (tables, graphs). */
  fill?: boolean;
  children: ReactNode;
}

/** A view's column: its one h1 and what is below it. */
export function Page({ title, note, actions, fill, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Logster`;
  }, [title]);
  return (
    <div className={`page ${fill ? "page-fill" : ""}`}>
      <header className="page-head">
        <h1>{title}</h1>
        {note && <div className="page-note">{note}</div>}
        {actions && <div className="page-actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

/** A titled box: charts, lists, facts. */
export function Card({ title, actions, children, className }: { title?: ReactNode; actions?: ReactNode; children: ReactNode; className?: string }) {
  return (
    <section className={`card ${className ?? ""}`}>
      {(title || actions) && (
        <header className="card-head">
          {title && <h2>{title}</h2>}
          {actions && <div className="card-actions">{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}
