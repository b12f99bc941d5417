// What a view shows when it has nothing to show: loading, empty, failed.
import type { ReactNode } from "react";
import { ApiError, OfflineError } from "@/api";
import { useAddress, useScope } from "@/app/scope";
import { formatAgo, formatTime } from "@/lib/format";
import { formatPoint } from "@/lib/range";
import { Button } from "./Button";

/** Grey lines in the shape of what comes; nothing jumps when it is there. */
export function Skeleton({ lines = 3, height }: { lines?: number; height?: number }) {
  return (
    <div className="skeleton" aria-busy="true" aria-label="Loading">
      {height ? (
        <div className="skeleton-block" style={{ height }} />
      ) : (
        Array.from({ length: lines }, (_, at) => <div key={at} className="skeleton-line" style={{ width: `${92 - ((at * 17) % 40)}%` }} />)
      )}
    </div>
  );
}

/** Sets the range so that the last data lies in it: an hour that ends a minute after it. */
function JumpToLast({ at }: { at: number }) {
  const { zone } = useScope();
  const [, set] = useAddress();
  return (
    <p>
      The last data is from <span className="num">{formatTime(at, zone)}</span> ({formatAgo(at, Date.now() / 1000)}).{" "}
      <Button kind="quiet" onClick={() => set({ from: formatPoint(at - 3600), to: formatPoint(Math.ceil(at) + 60) })}>
        Jump there
      </Button>
    </p>
  );
}

interface EmptyProps {
  title: string;
  /** What would fill the view, and how. */
  children?: ReactNode;
  /** Time of the newest data anywhere, where it is known: offers to go there. */
  lastData?: number | null | undefined;
}

export function EmptyState({ title, children, lastData }: EmptyProps) {
  return (
    <div className="empty" role="status">
      <h2>{title}</h2>
      {children && <div>{children}</div>}
      {lastData ? <JumpToLast at={lastData} /> : null}
    </div>
  );
}

function whatHappened(error: unknown): string {
  if (error instanceof OfflineError) return "The platform does not answer. What you see stays as it was.";
  if (error instanceof ApiError) {
    if (error.status === 403) return "You have no role that allows this.";
    if (error.status === 404) return "It is not there, or not yours to see.";
    if (error.status === 503) return "The store cannot answer now; events are still taken in.";
    return error.problem.detail ?? error.problem.title;
  }
  return "The page itself failed here. The rest of it works.";
}

interface ErrorProps {
  error: unknown;
  /** What could not be shown: "The list of hosts". */
  what: string;
  onRetry?: (() => void) | undefined;
}

export function ErrorState({ error, what, onRetry }: ErrorProps) {
  const id = error instanceof ApiError ? error.requestId : null;
  return (
    <div className="empty error-state" role="alert">
      <h2>{what} could not be loaded</h2>
      <p>{whatHappened(error)}</p>
      {id && (
        <p className="faint">
          Request id <code className="mono">{id}</code>: the platform's log and audit rows name it.
        </p>
      )}
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}

/** Chooses between the three by a query's state; `children` gets the data. */
export function Loaded<T>({
  query, what, skeleton, children,
}: {
  query: { data: T | undefined; error: unknown; refetch: () => unknown };
  what: string;
  skeleton?: ReactNode;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <ErrorState error={query.error} what={what} onRetry={() => void query.refetch()} />;
  return <>{skeleton ?? <Skeleton />}</>;
}
