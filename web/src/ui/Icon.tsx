// Line icons of one weight, drawn here: nothing is fetched. They only go beside words.
const PATHS: Record<string, string> = {
  grid: "M2.5 2.5h4.5v4.5h-4.5zM9 2.5h4.5v4.5h-4.5zM2.5 9h4.5v4.5h-4.5zM9 9h4.5v4.5h-4.5z",
  flag: "M3.5 14V2.5M3.5 3h8.5l-2 3 2 3H3.5",
  hosts: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01",
  wave: "M1.5 9.5c2 0 2-5 4-5s2 7 4 7 2-4 5-4",
  target: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M8 6a2 2 0 1 0 0 4a2 2 0 1 0 0-4",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9M10.3 10.3l3.2 3.2",
  chart: "M2.5 2.5v11h11M5.5 11V8M8.5 11V5M11.5 11V7",
  bars: "M2.5 13.5V9.5M6 13.5V4.5M9.5 13.5V7M13 13.5V11",
  gear: "M8 5.7a2.3 2.3 0 1 0 0 4.6a2.3 2.3 0 1 0 0-4.6M8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6l1.4 1.4M11 11l1.4 1.4M12.4 3.6L11 5M5 11l-1.4 1.4",
  clock: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M8 5v3l2 1.5",
  user: "M8 2.5a2.7 2.7 0 1 0 0 5.4a2.7 2.7 0 1 0 0-5.4M3 13.5c.5-3 2.5-4 5-4s4.5 1 5 4",
  help: "M6 6a2 2 0 1 1 2.8 1.9c-.6.3-.8.7-.8 1.6M8 12h.01",
  table: "M2.5 3h11v10h-11zM2.5 6.5h11M6.5 6.5V13",
  close: "M4 4l8 8M12 4l-8 8",
};

export function Icon({ name, size = 16 }: { name: string; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name] ?? ""} />
    </svg>
  );
}
