// A value from the data with its small menu: filter for, filter out, pivot to Hunt, copy.
import { useLocation } from "react-router-dom";
import { useFilters } from "@/app/scope";
import { formatFilter } from "@/lib/filters";
import { useGo } from "./Link";
import { Menu, type MenuItem } from "./Menu";
import { Text } from "./Text";
import { useToast } from "./Toast";

interface Props {
  /** Name of the filter: host, user, process, hash, ip, technique, … */
  field: string;
  value: string | null | undefined;
  max?: number;
  middle?: boolean;
  mono?: boolean;
  /** More to do with this value, above the common things. */
  more?: MenuItem[];
}

/** Views whose list takes filters out of the address; elsewhere "filter" leads to Hunt. */
const FILTERED = ["/alerts", "/hosts", "/attacks", "/hunt"];

export function Value({ field, value, max = 60, middle, mono, more }: Props) {
  const { add } = useFilters();
  const { pathname } = useLocation();
  const go = useGo();
  const toast = useToast();
  if (!value) return <span className="faint">–</span>;

  const here = FILTERED.includes(pathname);
  const hunt = (out: boolean) => go("/hunt", { f: [formatFilter({ field, value, out })] });
  const own: MenuItem[] =
    field === "host" ? [{ label: "Open host", run: () => go(`/hosts/${encodeURIComponent(value)}`) }]
    : field === "technique" ? [{ label: "Alerts with it", run: () => go("/alerts", { f: [formatFilter({ field, value, out: false })] }) }]
    : [];
  const items: MenuItem[] = [
    ...(more ?? []), ...own,
    { label: "Filter for", run: () => (here ? add({ field, value, out: false }) : hunt(false)) },
    { label: "Filter out", run: () => (here ? add({ field, value, out: true }) : hunt(true)) },
    ...(pathname === "/hunt" ? [] : [{ label: "Pivot to Hunt", run: () => hunt(false) }]),
    {
      label: "Copy",
      run: () => {
        navigator.clipboard.writeText(value).then(
          () => toast({ text: "Copied" }),
          () => toast({ text: "The browser did not let the page copy", kind: "problem" }),
        );
      },
    },
  ];
  return (
    <Menu
      className="value"
      items={items}
      button={<Text value={value} max={max} middle={middle ?? false} mono={mono ?? false} />}
    />
  );
}
