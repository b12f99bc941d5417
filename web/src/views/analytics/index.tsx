// What attacks do (ATT&CK), when, and how good the verdicts on them are.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getTechniques } from "@/api";
import { useParam, useScope } from "@/app/scope";
import { useLastData } from "@/app/StatusStrip";
import { plural } from "@/lib/format";
import { Page } from "@/ui/Page";
import { EmptyState, Loaded, Skeleton } from "@/ui/states";
import { Tabs } from "@/ui/Tabs";
import { Feedback } from "./Feedback";
import { Matrix } from "./Matrix";
import { Models } from "./Models";
import { TechniquesOverTime } from "./OverTime";
import "../distribution/distribution.css";
import "./analytics.css";

const PARTS = 48;
const TABS = [
  { id: "matrix", label: "ATT&CK matrix" }, { id: "time", label: "Techniques over time" },
  { id: "models", label: "Models" }, { id: "feedback", label: "Feedback" },
];

export default function Analytics() {
  const { query } = useScope();
  const last = useLastData();
  const [asked, setTab] = useParam("tab", "matrix");
  const tab = TABS.some((one) => one.id === asked) ? asked : "matrix";
  const techniques = useQuery({
    queryKey: ["techniques", query, PARTS],
    queryFn: ({ signal }) => getTechniques({ ...query, parts: PARTS }, signal),
    placeholderData: keepPreviousData,
    enabled: tab === "matrix" || tab === "time",
  });
  const none = (
    <EmptyState title="No technique in this range" lastData={last}>Techniques are named by verdicts of attack; there is none with one in the range shown.</EmptyState>
  );
  return (
    <Page title="Analytics" note={techniques.isPlaceholderData ? "loading the new range…" : techniques.data ? `${plural(techniques.data.techniques.length, "technique")} seen` : undefined}>
      <Tabs label="Analytics" tabs={TABS} value={tab} onChange={setTab}>
        {tab === "models" ? <Models /> : tab === "feedback" ? <Feedback /> : (
          <Loaded query={techniques} what="The techniques" skeleton={<Skeleton height={420} />}>
            {(data) => tab === "time" ? (data.techniques.length ? <TechniquesOverTime data={data} /> : none)
              : <>{data.techniques.length === 0 && none}<Matrix data={data} /></>}
          </Loaded>
        )}
      </Tabs>
    </Page>
  );
}
