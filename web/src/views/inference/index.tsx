// One verdict: how sure, why, on what it rests, and the events behind it.
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router-dom";
import { getAlert, getInference, type InferenceResponse } from "@/api";
import { useParam } from "@/app/scope";
import { useCan } from "@/app/session";
import { Link } from "@/ui/Link";
import { Page } from "@/ui/Page";
import { ProcessTree } from "@/ui/ProcessTree";
import { Severity } from "@/ui/Severity";
import { Loaded, Skeleton } from "@/ui/states";
import { Tabs } from "@/ui/Tabs";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { Value } from "@/ui/Value";
import { WindowEvents } from "@/ui/WindowEvents";
import { WindowGraph } from "@/ui/WindowGraph";
import { EvidenceCard, LedgerCard, TechniquesCard, VerdictCard } from "./Cards";
import "./inference.css";

function Detail({ one }: { one: InferenceResponse }) {
  const [tab, setTab] = useParam("tab", "events");
  const events = useCan()("events.read", one.tenant_id);
  const tabs = [
    ...(events ? [{ id: "events", label: "Events", count: one.events }] : []),
    { id: "graph", label: "Graph", count: one.graph_nodes },
    { id: "tree", label: "Process tree" },
  ];
  const shown = tabs.some((each) => each.id === tab) ? tab : tabs[0]!.id;
  return (
    <>
      <div className="verdict-cards">
        <div className="stack">
          <VerdictCard one={one} />
          <LedgerCard one={one} />
        </div>
        <div className="stack">
          <EvidenceCard one={one} />
          <TechniquesCard one={one} />
        </div>
      </div>
      <Tabs label="Of the window" tabs={tabs} value={shown} onChange={setTab}>
        {shown === "events" && <WindowEvents tenantId={one.tenant_id} endpointId={one.endpoint_id} from={one.window_start} to={one.window_end} />}
        {shown === "graph" && <WindowGraph inferenceId={one.inference_id} height={640} />}
        {shown === "tree" && <ProcessTree endpointId={one.endpoint_id} tenantId={one.tenant_id} from={one.window_start} to={one.window_end} />}
      </Tabs>
    </>
  );
}

export default function InferenceView() {
  const { id = "" } = useParams();
  const [time] = useParam("time");
  const can = useCan();
  const verdict = useQuery({
    queryKey: ["inference", id], queryFn: ({ signal }) => getInference(id, time ? { time } : {}, signal), staleTime: 300_000,
  });
  const one = verdict.data;
  const alert = useQuery({
    queryKey: ["alert", one?.alert_id], queryFn: ({ signal }) => getAlert(one!.alert_id!, signal),
    enabled: Boolean(one?.alert_id) && can("alerts.read", one?.tenant_id),
  });
  return (
    <Page
      title="Verdict"
      note={one && (
        <span className="row verdict-note">
          {one.prediction === "attack" ? <Severity value={one.severity} /> : <b>{one.prediction}</b>}
          <Value field="host" value={one.endpoint_id} />
          <span><Time at={one.window_start} /> to <Time at={one.window_end} style="clock" /></span>
        </span>
      )}
      actions={one && (
        <>
          {one.alert_id && (
            <Link to={`/alerts/${encodeURIComponent(one.alert_id)}`} className="button">
              <span>Alert{alert.data && <>: <Text value={alert.data.title} max={40} /></>}</span>
            </Link>
          )}
          <Link to={`/inferences/${encodeURIComponent(id)}/graph`} params={time ? { time } : {}} className="button">Graph</Link>
          <Link to={`/hosts/${encodeURIComponent(one.endpoint_id)}`} className="button">Host</Link>
        </>
      )}
    >
      <Loaded query={verdict} what="The verdict" skeleton={<Skeleton height={420} />}>{(got) => <Detail key={got.inference_id} one={got} />}</Loaded>
    </Page>
  );
}
