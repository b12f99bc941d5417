import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router-dom";
import { getInference } from "@/api";
import { useParam } from "@/app/scope";
import { formatProb } from "@/lib/format";
import { Link } from "@/ui/Link";
import { Page } from "@/ui/Page";
import { Time } from "@/ui/Time";
import { Value } from "@/ui/Value";
import { WindowGraph } from "@/ui/WindowGraph";

export default function GraphView() {
  const { id = "" } = useParams();
  const [time] = useParam("time");
  const { data } = useQuery({
    queryKey: ["inference", id], queryFn: ({ signal }) => getInference(id, time ? { time } : {}, signal), staleTime: 300_000,
  });
  return (
    <Page
      title="Graph" fill
      note={data && (
        <span className="row">
          <Value field="host" value={data.endpoint_id} />
          <span><Time at={data.window_start} /> to <Time at={data.window_end} style="clock" /></span>
          <span>{data.prediction} <b className="num">{formatProb(data.attack_prob)}</b></span>
        </span>
      )}
      actions={<Link to={`/inferences/${encodeURIComponent(id)}`} params={time ? { time } : {}} className="button">The verdict</Link>}
    >
      <WindowGraph inferenceId={id} />
    </Page>
  );
}
