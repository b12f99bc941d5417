// One alert: from "something is red" to "I know what happened and have said so".
import "./alert.css";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useParams } from "react-router-dom";
import { getAlert, getAlertEvidence, getAlertHistory, type AlertResponse } from "@/api";
import { useKeys } from "@/app/keys";
import { useLive } from "@/app/live";
import { useAddress, useParam } from "@/app/scope";
import { useCan, useSession } from "@/app/session";
import { words } from "@/lib/format";
import { STEPS } from "@/lib/triage";
import { Button } from "@/ui/Button";
import { Link, useGo } from "@/ui/Link";
import { Page } from "@/ui/Page";
import { ProcessTree } from "@/ui/ProcessTree";
import { ErrorState, Skeleton } from "@/ui/states";
import { Tabs } from "@/ui/Tabs";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { useTriage } from "@/ui/triage/useTriage";
import { EventPanel, WindowEvents } from "@/ui/WindowEvents";
import { WindowGraph } from "@/ui/WindowGraph";
import { Profile } from "@/views/host/Profile";
import "@/views/host/host.css";
import { Head } from "./Head";
import { Story } from "./Story";
import { SuppressDialog } from "./SuppressDialog";
import { History, Similar, useSimilar } from "./Tabs";
import { strongest } from "./useStory";
import { Why } from "./Why";

export default function View() {
  const { id = "" } = useParams();
  const query = useQuery({ queryKey: ["alert", id], queryFn: ({ signal }) => getAlert(id, signal) });
  if (query.data) return <AlertPage key={id} alert={query.data} />;
  return (
    <Page title="Alert">
      {query.error ? <ErrorState error={query.error} what="The alert" onRetry={() => void query.refetch()} /> : <><Skeleton height={132} /><Skeleton height={320} /></>}
    </Page>
  );
}

/** Says who else changed the alert while it was open here. */
function OthersChange({ alert, known }: { alert: AlertResponse; known: number }) {
  const { me } = useSession();
  const [since] = useState(() => Date.now() / 1000 - 1);
  const [read, setRead] = useState(0);
  const history = useQuery({
    queryKey: ["alert", alert.alert_id, "history", alert.version], enabled: alert.version > known,
    queryFn: ({ signal }) => getAlertHistory(alert.alert_id, signal), placeholderData: (old) => old,
  });
  const rows = (history.data?.history ?? []).filter((row) => !row.actor.startsWith("system:") && row.actor !== me.actor && (row.at ?? 0) > Math.max(since, read));
  // One change may be several rows: where it moved to says most.
  const latest = rows.filter((row) => row.at === rows.at(-1)?.at);
  const last = latest.find((row) => row.action === "status") ?? latest.at(-1);
  if (!last) return null;
  return (
    <div className="alert-other" role="status">
      <span>
        <b><Text value={last.actor} max={60} /></b>{" "}
        {last.action === "status" ? <>moved it from {words(last.from ?? "")} to <b>{words(last.to ?? "")}</b></>
          : last.action === "assignee" ? <>assigned it to <Text value={last.to || "nobody"} max={40} /></> : "wrote a note"}
        , <Time at={last.at} ago />
      </span>
      <Button kind="quiet" onClick={() => setRead(last.at ?? 0)}>Seen</Button>
    </div>
  );
}

function AlertPage({ alert: stored }: { alert: AlertResponse }) {
  const cache = useQueryClient();
  const can = useCan();
  const { me } = useSession();
  const go = useGo();
  const [search, set] = useAddress();
  const [tab, setTab] = useParam("tab", "tree");
  const [suppressing, setSuppressing] = useState(false);
  const opened = useRef(stored.version);
  // A change is shown before the server has confirmed it; its answer, or a newer version, replaces it.
  const [shown, setShown] = useState<AlertResponse | null>(null);
  const alert = shown && shown.version >= stored.version ? shown : stored;
  useEffect(() => setShown((old) => (old && old.version < stored.version ? null : old)), [stored.version]);

  const id = stored.alert_id;
  useLive((_kind, changed) => {
    if (changed.alert_id !== id) return;
    cache.setQueryData<AlertResponse>(["alert", id], (old) => (old && old.version > changed.version ? old : changed));
  });
  const triage = useTriage(setShown);
  const writes = can("alerts.write", alert.tenant_id);
  useKeys("Alert", [
    ...STEPS.map((step) => ({ key: step.key, label: step.label, run: () => triage.step([alert], step.to) })),
    { key: "m", label: "Assign to me", run: () => triage.assign([alert], me.name) },
  ], writes);
  useKeys("Alert", [{ key: "s", label: "Suppress", run: () => setSuppressing(true) }], can("suppressions.write", alert.tenant_id));
  useKeys("Alert", [{ key: "u", label: "Back to the list", run: () => go("/alerts") }]);

  const evidence = useQuery({ queryKey: ["alert", id, "evidence"], queryFn: ({ signal }) => getAlertEvidence(id, signal), staleTime: 60_000 });
  const verdict = evidence.data ? strongest(evidence.data.verdicts) : null;
  const similar = useSimilar(id);
  const from = verdict?.window_start ?? alert.first_seen ?? 0;
  const to = verdict?.window_end ?? (alert.last_seen ?? 0) + 1;
  const event = search.get("event");
  const tabs = [
    { id: "tree", label: "Process tree" }, { id: "graph", label: "Graph" }, { id: "events", label: "Events", count: verdict?.events },
    { id: "host", label: "Host profile" }, { id: "history", label: "History" }, { id: "similar", label: "Similar alerts", count: similar.data?.alerts.length },
  ];
  return (
    <Page title={alert.title} actions={<Link to="/alerts">All alerts</Link>}>
      <OthersChange alert={alert} known={opened.current} />
      <Head alert={alert} triage={triage} onSuppress={() => setSuppressing(true)} />
      <div className="alert-cards">
        {evidence.data ? (
          <><Story alert={stored} evidence={evidence.data.evidence} verdict={verdict} /><Why data={evidence.data} verdict={verdict} /></>
        ) : evidence.error ? <ErrorState error={evidence.error} what="The evidence" onRetry={() => void evidence.refetch()} />
          : <><Skeleton height={320} /><Skeleton height={320} /></>}
      </div>
      <Tabs label="About this alert" tabs={tabs} value={tab} onChange={setTab}>
        {tab === "tree" && <ProcessTree alertId={id} height={440} />}
        {tab === "graph" && (verdict ? <WindowGraph inferenceId={verdict.inference_id} height={480} />
          : <p className="faint">{evidence.isPending ? "Loading…" : "The verdict is no longer stored, nor is its graph."}</p>)}
        {tab === "events" && <WindowEvents tenantId={alert.tenant_id} endpointId={alert.endpoint_id} from={from} to={to} />}
        {tab === "host" && <Profile id={alert.endpoint_id} tenantId={alert.tenant_id} />}
        {tab === "history" && <History alert={alert} />}
        {tab === "similar" && <Similar query={similar} />}
      </Tabs>
      {event && <EventPanel key={event} id={event} time={search.get("at")} onClose={() => set({ event: null, at: null })} />}
      {suppressing && <SuppressDialog alert={alert} onClose={() => setSuppressing(false)} />}
      {triage.dialogs}
    </Page>
  );
}
