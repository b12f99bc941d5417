import { useQuery } from "@tanstack/react-query";
import { getEndpointProfile, type ProfileItems } from "@/api";
import { useParam, useScope } from "@/app/scope";
import { formatCompact, formatNumber, plural } from "@/lib/format";
import { firstSeen, usual } from "@/lib/profile";
import { Button } from "@/ui/Button";
import { Card } from "@/ui/Page";
import { Loaded, Skeleton } from "@/ui/states";
import { Time } from "@/ui/Time";
import { Value } from "@/ui/Value";

const MOST = 1000;
const FEW = 8;
const MANY = 200;

const KINDS = [
  { id: "users", title: "Users", field: "user", one: "user" }, { id: "images", title: "Programs", field: "image", one: "program" },
  { id: "destinations", title: "Destinations", field: "ip", one: "destination" }, { id: "hashes", title: "Hashes", field: "hash", one: "hash", many: "hashes" },
] as const;

function Rows({ items, field, when }: { items: ProfileItems; field: string; when: "first" | "last" }) {
  return (
    <ul className="profile-rows">
      {items.map((item) => (
        <li key={item.value}>
          <span className="profile-value"><Value field={field} value={item.value} max={field === "hash" ? 40 : 56} middle mono={field !== "user"} /></span>
          <span className="num faint" title={`seen in ${plural(item.hours, "hour")}`}>{formatCompact(item.hours)} h</span>
          <Time at={when === "first" ? item.first_seen : item.last_hour} ago />
        </li>
      ))}
    </ul>
  );
}

function Kind({ kind, items, open, onOpen }: { kind: (typeof KINDS)[number]; items: ProfileItems; open: boolean; onOpen: () => void }) {
  const { range } = useScope();
  const fresh = range ? firstSeen(items, range.from, range.to) : [];
  const often = usual(items);
  const most = open ? MANY : FEW;
  const many = "many" in kind ? kind.many : `${kind.one}s`;
  return (
    <Card
      title={kind.title}
      actions={(fresh.length > FEW || often.length > FEW) && <Button kind="quiet" aria-expanded={open} onClick={onOpen}>{open ? "Fewer" : "More"}</Button>}
    >
      {items.length === 0 ? <p className="faint">No {kind.one} was recorded.</p> : (
        <div className="profile-kind">
          <section>
            <h3>First seen in this range <span className="num faint">{formatNumber(fresh.length)}{items.length === MOST ? "+" : ""}</span></h3>
            {fresh.length === items.length && <p className="faint">All of them: none was recorded before the range.</p>}
            {fresh.length === 0 ? <p className="faint">Nothing new.</p> : <Rows items={fresh.slice(0, most)} field={kind.field} when="first" />}
          </section>
          <section>
            <h3>Usual <span className="num faint">{plural(items.length, kind.one, many)}{items.length === MOST ? " or more" : ""}</span></h3>
            <Rows items={often.slice(0, most)} field={kind.field} when="last" />
          </section>
        </div>
      )}
    </Card>
  );
}

export function Profile({ id, tenantId }: { id: string; tenantId: string }) {
  const [open, setOpen] = useParam("open");
  const query = { tenant_id: tenantId, max_items: MOST };
  const profile = useQuery({
    queryKey: ["endpoint", id, "profile", query], queryFn: ({ signal }) => getEndpointProfile(id, query, signal), staleTime: 60_000,
  });
  return (
    <Loaded query={profile} what="The host's profile" skeleton={<Skeleton lines={14} />}>
      {(data) => (
        <div className="profile">
          {KINDS.map((kind) => (
            <Kind key={kind.id} kind={kind} items={data[kind.id]} open={open === kind.id} onOpen={() => setOpen(open === kind.id ? null : kind.id, true)} />
          ))}
        </div>
      )}
    </Loaded>
  );
}
