// One verdict: how sure, why, on what it rests, and the events behind it.
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router-dom";
import { getInference, listAlertInferences, listAlerts, type AlertResponse, type InferenceResponse } from "@/api";
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

const MOST_ASKED = 8;

/** The alert that this verdict is part of: verdicts do not name theirs, so those of its time are asked. */
async function alertOf(one: InferenceResponse, signal: AbortSignal): Promise<AlertResponse | null> {
  const page = await listAlerts(
    { tenant_id: one.tenant_id, endpoint: one.endpoint_id, from: String(one.window_start), to: String(one.window_end), limit: 50 }, signal,
  );
  const direct = page.alerts.find((alert) => alert.first_inference_id === one.inference_id || alert.last_inference_id === one.inference_id);
  if (direct) return direct;
  for (const alert of page.alerts.filter((each) => each.occurrences > 2).slice(0, MOST_ASKED)) {
    const ids = await listAlertInferences(alert.alert_id, signal);
    if (ids.inference_ids.includes(one.inference_id)) return alert;
  }
  return null;
}

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
    queryKey: ["alerts", "of", id], queryFn: ({ signal }) => alertOf(one!, signal),
    enabled: one !== undefined && one.prediction === "attack" && can("alerts.read", one.tenant_id),
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
          {alert.data && (
            <Link to={`/alerts/${encodeURIComponent(alert.data.alert_id)}`} className="button"><span>Alert: <Text value={alert.data.title} max={40} /></span></Link>
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
