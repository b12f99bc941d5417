// One host: what it usually shows, what is new, how it was judged, and what could not be seen of it.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useParams } from "react-router-dom";
import { getEndpoint } from "@/api";
import { useParam, useScope } from "@/app/scope";
import { formatNumber, formatProb } from "@/lib/format";
import { Link } from "@/ui/Link";
import { Page } from "@/ui/Page";
import { ProcessTree } from "@/ui/ProcessTree";
import { Severity } from "@/ui/Severity";
import { Loaded, Skeleton } from "@/ui/states";
import { Tabs } from "@/ui/Tabs";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { Overview } from "./Overview";
import { Profile } from "./Profile";
import { Verdicts } from "./Verdicts";
import "./host.css";

const TABS = [
  { id: "overview", label: "Overview" }, { id: "profile", label: "Usual and new" }, { id: "verdicts", label: "Verdicts" }, { id: "tree", label: "Process tree" },
];

export default function HostView() {
  const { id = "" } = useParams();
  const { query: scope, range } = useScope();
  const [tab, setTab] = useParam("tab", "overview");
  const shown = TABS.some((one) => one.id === tab) ? tab : "overview";
  const asked = { from: scope.from, to: scope.to, ...(scope.tenant_id ? { tenant_id: scope.tenant_id } : {}) };
  const host = useQuery({
    queryKey: ["endpoint", id, asked], queryFn: ({ signal }) => getEndpoint(id, asked, signal), placeholderData: keepPreviousData,
  });
  const one = host.data?.endpoint.endpoint_id === id ? host.data.endpoint : undefined;
  return (
    <Page
      title="Host"
      note={
        <span className="row host-note">
          <b className="host-id"><Text value={id} max={80} middle /></b>
          {one && (
            <>
              {one.hostname && one.hostname !== id && <Text value={one.hostname} max={80} />}
              {one.platform && <Text value={one.platform} max={16} />}
              <span>last seen <Time at={one.last_seen} ago /></span>
            </>
          )}
        </span>
      }
      actions={<Link to="/hunt" params={{ host: id }} className="button">Its events</Link>}
    >
      <Loaded query={{ ...host, data: one && host.data }} what="The host" skeleton={<Skeleton height={420} />}>
        {(got) => (
          <>
            <div className="host-figures">
              <Link to="/attacks" params={{ host: id, sort: "attack_prob" }} className="host-figure">
                <span>Highest probability, ever</span><b className="num">{formatProb(got.endpoint.max_attack_prob)}</b>
              </Link>
              <Link to="/attacks" params={{ host: id }} className="host-figure">
                <span>Attack verdicts</span><b className="num">{formatNumber(got.endpoint.total_attacks)}</b>
                <span className="faint num">of {formatNumber(got.endpoint.total_inferences)}</span>
              </Link>
              <Link to="/alerts" params={{ host: id }} className="host-figure">
                <span>Open alerts</span><b className="num">{formatNumber(got.endpoint.alerts_active)}</b>
                {got.endpoint.worst_active_severity ? <Severity value={got.endpoint.worst_active_severity} /> : <span className="faint num">of {formatNumber(got.endpoint.alerts_total)}</span>}
              </Link>
            </div>
            <Tabs label="Of the host" tabs={TABS} value={shown} onChange={setTab}>
              {shown === "overview" && <Overview got={got} />}
              {shown === "profile" && <Profile id={id} tenantId={got.endpoint.tenant_id} />}
              {shown === "verdicts" && <Verdicts id={id} />}
              {shown === "tree" && <ProcessTree endpointId={id} tenantId={got.endpoint.tenant_id} from={range?.from ?? null} to={range?.to ?? null} />}
            </Tabs>
          </>
        )}
      </Loaded>
    </Page>
  );
}
