import type { AlertResponse, Evidence, InferenceResponse } from "@/api";
import { useAddress } from "@/app/scope";
import { formatPercent } from "@/lib/format";
import type { StoryLine } from "@/lib/story";
import { Card } from "@/ui/Page";
import { EmptyState, ErrorState, Skeleton } from "@/ui/states";
import { Text } from "@/ui/Text";
import { Time } from "@/ui/Time";
import { Value } from "@/ui/Value";
import { useStory } from "./useStory";

function Line({ line, onOpen }: { line: StoryLine; onOpen: () => void }) {
  const { event } = line;
  return (
    <li className="story-line">
      {event ? (
        <button type="button" className="story-time" title="Show the event" onClick={onOpen}>
          <Time at={line.at} style="clock" />
        </button>
      ) : (
        <span className="story-time faint" title="Its event is not stored: from the verdict's evidence"><Time at={line.at} style="clock" /></span>
      )}
      <span className="story-text">
        <b><Text value={line.actor} max={48} /></b> {line.verb}{" "}
        {line.object && <Value field={line.field === "process" ? "image" : line.field} value={line.object} max={64} middle mono />}
        {line.detail && <span className="story-detail"><Text value={line.detail} max={160} mono /></span>}
      </span>
      <span className="story-end">
        {line.times > 1 && <span className="faint num">×{line.times}</span>}
        {line.techniques.slice(0, 2).map((id) => <Value key={id} field="technique" value={id} mono />)}
        {line.share > 0 && <span className="faint num" title="Share of the verdict">{formatPercent(line.share)}</span>}
      </span>
    </li>
  );
}

/** What happened, in order: each line with its event behind it. */
export function Story({ alert, evidence, verdict }: { alert: AlertResponse; evidence: readonly Evidence[]; verdict: InferenceResponse | null }) {
  const [, set] = useAddress();
  const story = useStory(alert, evidence, verdict, true);
  return (
    <Card title="Story" className="story-card">
      {story.loading ? <Skeleton lines={10} />
        : story.failed && !story.lines.length ? <ErrorState error={story.failed} what="The story's events" />
        : story.lines.length === 0 ? <EmptyState title="Nothing to tell">The verdict has no evidence, and its events are no longer stored.</EmptyState>
        : (
          <ol className="story">
            {story.lines.map((line) => (
              <Line
                key={line.key} line={line}
                onOpen={() => line.event && set({ event: line.event.event_id, at: String(line.event.timestamp) })}
              />
            ))}
          </ol>
        )}
    </Card>
  );
}
