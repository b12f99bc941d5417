import { useQuery } from "@tanstack/react-query";
import { listModels, type ModelList } from "@/api";
import { formatNumber } from "@/lib/format";
import { Card } from "@/ui/Page";
import { Facts } from "@/ui/Panel";
import { EmptyState, Loaded } from "@/ui/states";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { flatFacts } from "./facts";

type Model = ModelList["models"][number];

const SIGNATURES: Record<Model["signature"], { text: string; bad: boolean }> = {
  valid: { text: "✓ valid", bad: false },
  invalid: { text: "▲ invalid", bad: true },
  unsigned: { text: "▲ unsigned", bad: true },
  not_checked: { text: "○ not checked: no trusted key is configured", bad: false },
};

function Metrics({ training }: { training: Model["training"] }) {
  const facts = flatFacts(training);
  if (facts.length === 0) return <p className="faint">The model says nothing about how it was trained.</p>;
  return (
    <details>
      <summary>How it was trained and how well it did ({formatNumber(facts.length)} figures)</summary>
      <Facts items={facts.map(([name, value]) => [<Text key="n" value={name} max={80} />, <Text key="v" value={value} max={200} wrap />] as const)} />
    </details>
  );
}

function ModelCard({ model }: { model: Model }) {
  const signature = SIGNATURES[model.signature];
  return (
    <Card title={<><Text value={model.name} max={60} /> <Text value={model.version} max={40} /></>}
      actions={model.experimental && <span className="admin-warn">▲ experimental</span>}>
      <Facts
        items={[
          ["For", <Text key="p" value={model.platform} />],
          ["Signature", <span key="s" className={signature.bad ? "admin-warn" : undefined}>{signature.text}</span>],
          model.signer ? ["Signed by", <Text key="g" value={model.signer} max={120} mono />] : null,
          ["SHA-256", <Text key="h" value={model.sha256} max={64} mono wrap />],
          ["Threshold", String(Number(model.threshold.toPrecision(4)))],
          ["Loaded", <Time key="l" at={model.loaded_at} />],
          ["Loaded by", <Text key="b" value={model.loaded_by} max={100} />],
          model.path ? ["File", <Text key="f" value={model.path} max={300} mono wrap />] : null,
        ]}
      />
      <Metrics training={model.training} />
    </Card>
  );
}

export function Models() {
  const query = useQuery({ queryKey: ["models"], queryFn: ({ signal }) => listModels(signal) });
  return (
    <div className="admin-scroll" tabIndex={0} role="region" aria-label="Models">
      <Loaded query={query} what="The models">
        {(data) => data.models.length === 0 ? (
          <EmptyState title="No model is loaded">Without one there are no verdicts.</EmptyState>
        ) : (
          <div className="cards">{data.models.map((model) => <ModelCard key={`${model.name} ${model.sha256}`} model={model} />)}</div>
        )}
      </Loaded>
    </div>
  );
}
