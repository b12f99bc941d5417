import { useQuery } from "@tanstack/react-query";
import { useLocation } from "react-router-dom";
import { listAlerts } from "@/api";
import { formatCompact, formatTotal } from "@/lib/format";
import { Icon } from "@/ui/Icon";
import { Link } from "@/ui/Link";
import { NAVIGATION } from "./routes";
import { useScope } from "./scope";
import { useCan } from "./session";

/** Open alerts of the tenant, whenever they were: what waits does not depend on the range shown. */
export function useOpenAlerts(): { total: number; lower: boolean } | null {
  const { tenant } = useScope();
  const can = useCan();
  const { data } = useQuery({
    queryKey: ["alerts", "open-count", tenant],
    queryFn: ({ signal }) => listAlerts({ status: ["open"], limit: 1, ...(tenant ? { tenant_id: tenant } : {}) }, signal),
    enabled: can("alerts.read"),
    refetchInterval: 60_000,
  });
  return data ? { total: data.total, lower: data.total_is_lower_bound } : null;
}

export function Nav() {
  const { pathname } = useLocation();
  const can = useCan();
  const open = useOpenAlerts();
  return (
    <nav className="nav" aria-label="Views">
      <Link to="/" className="nav-brand">
        <img src="/icon.svg" alt="" width={20} height={20} />
        <span>Logster</span>
      </Link>
      <ul>
        {NAVIGATION.filter((entry) => entry.actions.some((action) => can(action))).map((entry) => {
          const here = entry.path === "/" ? pathname === "/" : pathname.startsWith(entry.path);
          const count = entry.path === "/alerts" && open && open.total > 0 ? open : null;
          return (
            <li key={entry.path}>
              <Link to={entry.path} className="nav-item" aria-current={here ? "page" : undefined} title={`g ${entry.hotkey}`}>
                <Icon name={entry.icon} />
                <span className="nav-label">{entry.label}</span>
                {count && (
                  <span className="nav-count num" title={`${formatTotal(count.total, count.lower)} open, whenever they were`}>
                    {formatCompact(count.total)}
                    {count.lower ? "+" : ""}
                    <span className="sr-only"> open</span>
                  </span>
                )}
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
