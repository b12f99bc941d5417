// Made by scripts/api-types.mjs from /openapi.json: do not edit.

export type IngestResponse = {
  /** items that are on the disk now */
  accepted: number;
  refused: number;
  /** the first 100 refused items */
  errors: Array<{
    /** from 0, in the body */
    item: number;
    reason: string;
  }>;
};

/** one event a line, or a JSON array of events */
export type IngestRequest = unknown;

/** Seconds since 1970-01-01T00:00:00Z */
export type Time = number;

/** Seconds since 1970-01-01T00:00:00Z */
export type TimeOrNull = number | null;

export type Uuid = string;

export type Platform = "windows" | "linux";

export type AlertStatus = "open" | "acknowledged" | "investigating" | "resolved" | "false_positive";

export type Severity = "low" | "medium" | "high" | "critical";

/** ATT&CK technique ids, ascending */
export type Techniques = string[];

/** Matches before paging; see total_is_lower_bound */
export type Total = number;

/** True: there are at least `total`, and counting stopped there */
export type LowerBound = boolean;

/** Give it as `cursor` for the next page; null: there is none */
export type NextCursor = string | null;

export type Limit = number;

export type TenantId = string;

export type HealthResponse = {
  /** ok: the alert store answers */
  status: "ok" | "degraded";
  service: "logster-api";
  uptime_seconds: number;
  /** Alerts that you may see; only with a token that may see any */
  alerts_count?: number;
};

export type Live = {
  status: "ok" | "ready";
};

/** One node of the window's graph with its part of the verdict; docs/schemas/verdict.schema.json */
export type Evidence = {
  node?: number;
  type: string;
  name: string;
  share: number;
  [member: string]: unknown;
};

export type AlertResponse = {
  alert_id: Uuid;
  tenant_id: string;
  endpoint_id: string;
  hostname: string;
  platform: Platform;
  severity: Severity;
  status: AlertStatus;
  title: string;
  description: string;
  /** Largest of its verdicts */
  attack_prob: number;
  first_seen: TimeOrNull;
  last_seen: TimeOrNull;
  received_at: TimeOrNull;
  created_at: TimeOrNull;
  updated_at: TimeOrNull;
  /** Verdicts that are this alert */
  occurrences: number;
  ttp_techniques: Techniques;
  process?: string | null;
  process_guid?: string | null;
  process_hash?: string | null;
  user?: string | null;
  evidence: Evidence[];
  assignee?: string | null;
  resolved_by?: string | null;
  analyst_notes?: string | null;
  first_inference_id?: Uuid;
  last_inference_id?: Uuid;
  previous_alert_id?: string | null;
  recurrence_of_false_positive?: boolean;
  /** Grows with every change; the ETag */
  version: number;
};

export type AlertListResponse = {
  alerts: AlertResponse[];
  total: Total;
  total_is_lower_bound: LowerBound;
  limit: Limit;
  offset: number;
  next_cursor: NextCursor;
};

export type AlertPatch = {
  status?: AlertStatus;
  /** Replaces the latest notes; the history keeps all. null: empty */
  analyst_notes?: string | null;
  /** null or empty: nobody */
  assignee?: string | null;
};

export type AlertHistory = {
  alert_id: Uuid;
  /** Oldest first */
  history: Array<{
    at: TimeOrNull;
    actor: string;
    action: string;
    from: string | null;
    to: string | null;
    notes: string | null;
  }>;
};

export type AlertEvidence = {
  alert_id: Uuid;
  ttp_techniques: Techniques;
  /** Of the strongest verdict, largest share first */
  evidence: Evidence[];
  /** The verdicts behind the alert that are still stored, oldest first, at most 100, without their evidence */
  verdicts: InferenceResponse[];
};

export type AlertInferences = {
  alert_id: Uuid;
  /** Oldest first, at most 1000 */
  inference_ids: Uuid[];
};

export type SimilarAlerts = {
  alert_id: Uuid;
  alerts: AlertResponse[];
};

export type ProcessTree = {
  tenant_id: string;
  endpoint_id: string;
  from: TimeOrNull;
  to: TimeOrNull;
  /** There are more processes than asked for */
  truncated: boolean;
  /** Parents before their children */
  processes: Array<{
    /** Position of the parent in this array; null: a root */
    parent: number | null;
    /** Named by others only: its own start is not stored */
    inferred: boolean;
    /** What the alert is about */
    focus: boolean;
    process_guid?: string | null;
    pid: number;
    image: string | null;
    command_line?: string | null;
    user?: string | null;
    hash?: string | null;
    started: TimeOrNull;
    ended: TimeOrNull;
    event_id: string | null;
    files: number;
    network: number;
    registry: number;
  }>;
};

export type FeedbackRequest = {
  alert_id: Uuid;
  /** One of the alert's; without it the latest */
  inference_id?: string | null;
  is_true_positive: boolean;
  note?: string | null;
};

export type FeedbackResponse = {
  feedback_id: Uuid;
  tenant_id: string;
  alert_id: Uuid;
  inference_id: Uuid;
  is_true_positive: boolean;
  note: string | null;
  /** Who said so: the authenticated principal */
  author: string;
  created_at: TimeOrNull;
};

export type FeedbackList = {
  /** Oldest first */
  feedback: FeedbackResponse[];
  limit: Limit;
  next_cursor: NextCursor;
};

export type Judged = {
  true_positives: number;
  false_positives: number;
  /** Share of true positives; null where there is no feedback */
  precision: number | null;
  severity?: "low" | "medium" | "high" | "critical";
  technique?: string;
  tactic?: string | null;
  /** Begin of a part, seconds since 1970-01-01T00:00:00Z */
  start?: number | null;
};

export type FeedbackQuality = {
  from: TimeOrNull;
  to: TimeOrNull;
  /** Every row of it */
  feedback: number;
  /** Alerts that have any: each counts once, by its latest */
  alerts: number;
  true_positives: number;
  false_positives: number;
  precision: number | null;
  /** critical first */
  severities: Judged[];
  /** Most often judged first */
  techniques: Judged[];
  /** Equal parts of the range, oldest first */
  over_time: Judged[];
};

export type EndpointSummary = {
  tenant_id: string;
  endpoint_id: string;
  hostname: string | null;
  platform: string | null;
  last_seen: TimeOrNull;
  total_inferences: number;
  total_attacks: number;
  total_errors: number;
  max_attack_prob: number;
  last_attack_prob: number | null;
  alerts_total: number;
  /** open, acknowledged or investigating */
  alerts_active: number;
  worst_active_severity: "low" | "medium" | "high" | "critical" | null;
  /** Largest probability in each of `trend` equal parts of the range; null where nothing was judged */
  trend?: Array<number | null>;
};

export type EndpointList = {
  endpoints: EndpointSummary[];
  total: Total;
  total_is_lower_bound: LowerBound;
  limit: Limit;
  offset: number;
};

export type EndpointResponse = {
  endpoint: EndpointSummary;
  ledger: EndpointLedger;
};

/** What could not be seen: counts over the range, each event once */
export type EndpointLedger = {
  from: TimeOrNull;
  to: TimeOrNull;
  /** There are more windows than were looked at */
  range_incomplete: boolean;
  /** Windows that do not overlap */
  windows: number;
  events: number;
  late_events: number;
  /** Came when all their windows were closed */
  late_dropped: number;
  /** Became dead letters */
  refused: number;
  /** Waited because the endpoint was over its rate */
  held_back: number;
  /** Events with a value that was cut */
  truncated: number;
  /** Missing by their numbers */
  missed: number;
  /** Times that a source's numbers began anew */
  log_reset: number;
  silent_sources: number;
  [member: string]: unknown;
};

export type EndpointProfile = {
  tenant_id: string;
  endpoint_id: string;
  users: ProfileItems;
  images: ProfileItems;
  hashes: ProfileItems;
  destinations: ProfileItems;
};

/** Most usual first */
export type ProfileItems = Array<{
  value: string;
  first_seen: TimeOrNull;
  last_hour: TimeOrNull;
  /** Hours in which it was seen */
  hours: number;
}>;

/** NormalizedEvent (docs/fields.md) with how it came in */
export type EventResponse = {
  event_id: Uuid;
  tenant_id: string;
  hostname: string;
  endpoint_id: string;
  platform: Platform;
  source: string;
  format?: string;
  event_type: string;
  timestamp: Time;
  claimed_timestamp?: Time;
  event_code?: number;
  flags?: string[];
  data: Record<string, unknown>;
  /** The record as it came; only where `raw` asks for it */
  raw_event?: unknown;
  received_at: TimeOrNull;
  /** Seconds that a replay moved it by; absent where it was not moved */
  time_shift?: number;
};

export type EventHistogram = {
  from: Time;
  to: Time;
  /** The search stopped at its budget: parts at the far end of the order lack events */
  incomplete: boolean;
  buckets: Array<{
    start: Time;
    events: number;
  }>;
};

export type EventListResponse = {
  events: EventResponse[];
  total: Total;
  total_is_lower_bound: LowerBound;
  /** The search stopped at its budget: go on with next_cursor */
  incomplete: boolean;
  limit: Limit;
  next_cursor: NextCursor;
};

/** One window's verdict: docs/schemas/verdict.schema.json, with its id */
export type InferenceResponse = {
  inference_id: Uuid;
  tenant_id: string;
  endpoint_id: string;
  hostname?: string;
  platform?: Platform;
  window_start: Time;
  window_end: Time;
  last_event_time?: Time;
  prediction: "attack" | "benign" | "error";
  attack_prob: number | null;
  confidence?: number | null;
  error?: string;
  severity?: "none" | "low" | "medium" | "high" | "critical";
  events?: number;
  late_events?: number;
  graph_nodes?: number;
  graph_edges?: number;
  truncated?: number;
  idle_allowlisted?: boolean;
  inference_time_ms?: number;
  scores?: Record<string, unknown>;
  model?: Record<string, unknown>;
  evidence?: Evidence[];
  ttp_techniques?: Techniques;
  config_digest?: string;
  /** What the verdict could not see; absent: it saw all */
  ledger?: Record<string, unknown>;
  /** The alert that it went into; null: none, or none that you may see. Absent where the alert is the question */
  alert_id?: string | null;
  received_at?: TimeOrNull;
};

export type InferenceListResponse = {
  inferences: InferenceResponse[];
  total: Total;
  total_is_lower_bound: LowerBound;
  /** The search stopped at its budget: go on with next_cursor */
  incomplete: boolean;
  limit: Limit;
  next_cursor: NextCursor;
};

/** The window's typed graph, as `logster graph --json` writes it (docs/internals/graph.md) */
export type InferenceGraph = Record<string, unknown>;

/** Every condition named must hold, and at least one must be named */
export type SuppressionRequest = {
  tenant_id?: TenantId;
  /** Exact, or with * as wild card */
  endpoint_id?: string;
  /** Path or file name of the process that the verdict is about; any case, * as wild card */
  process?: string;
  hash?: string;
  /** Must cover every technique of the verdict */
  technique?: string;
  reason: string;
  /** Seconds since the epoch, or RFC 3339; without it alerts.suppression_ttl from now */
  expires_at?: number | string | null;
  /** Only where the configuration allows it */
  permanent?: boolean;
};

export type SuppressionPreviewRequest = {
  tenant_id?: TenantId;
  endpoint_id?: string;
  process?: string;
  hash?: string;
  technique?: string;
  /** Look at alerts since then; without it 30 days back */
  from?: number | string | null;
};

export type SuppressionPreview = {
  /** Stored alerts that the rule would have hidden */
  total: number;
  /** The newest, at most 100 */
  alerts: AlertResponse[];
};

export type SuppressionResponse = {
  suppression_id: Uuid;
  tenant_id: string;
  endpoint_id?: string | null;
  process?: string | null;
  hash?: string | null;
  technique?: string | null;
  owner: string;
  reason: string;
  created_at: TimeOrNull;
  expires_at: TimeOrNull;
  permanent: boolean;
  revoked: boolean;
  /** Verdicts that it has hidden */
  hits: number;
};

export type SuppressionList = {
  suppressions: SuppressionResponse[];
  total: number;
};

export type SuppressionHits = {
  suppression_id: Uuid;
  /** Newest first, at most 1000 */
  hits: Array<{
    inference_id: Uuid;
    endpoint_id: string;
    title: string;
    attack_prob: number;
    window_end: TimeOrNull;
    at: TimeOrNull;
  }>;
};

export type SearchRequest = {
  tenant_id?: TenantId;
  name: string;
  /** What the page needs to run it again; at most 16 KiB */
  query: Record<string, unknown>;
  /** Others of the tenant see it */
  shared?: boolean;
};

export type SearchResponse = {
  search_id: Uuid;
  tenant_id: string;
  owner: string;
  name: string;
  query: Record<string, unknown>;
  shared: boolean;
  created_at: TimeOrNull;
  updated_at: TimeOrNull;
};

export type SearchList = {
  searches: SearchResponse[];
};

export type SummaryResponse = {
  from: TimeOrNull;
  to: TimeOrNull;
  total_inferences: number;
  total_attacks: number;
  total_benign: number;
  total_errors: number;
  avg_attack_probability: number;
  max_attack_probability: number;
  /** The same as max_attack_probability */
  max_attack_prob: number;
  avg_confidence: number;
  avg_inference_time_ms: number;
  hosts: number;
  avg_graph_nodes: number;
  avg_graph_edges: number;
};

export type HostsResponse = {
  from: TimeOrNull;
  to: TimeOrNull;
  /** Largest attack probability first */
  hosts: EndpointSummary[];
  total: number;
};

export type TimelineResponse = {
  from: TimeOrNull;
  to: TimeOrNull;
  buckets: Array<{
    start: TimeOrNull;
    inferences: number;
    attacks: number;
    errors: number;
    max_attack_prob: number;
    avg_attack_prob: number;
    avg_confidence: number;
    avg_inference_time_ms: number;
    avg_graph_nodes: number;
    avg_graph_edges: number;
    hosts: number;
  }>;
};

export type TechniquesResponse = {
  from: TimeOrNull;
  to: TimeOrNull;
  /** Length of a part; with `parts` */
  part_seconds?: number;
  techniques: Array<{
    technique: string;
    tactic: string | null;
    attacks: number;
    hosts: number;
    /** Attacks in each part of the range; with `parts` */
    over_time?: number[];
  }>;
};

export type RoleNames = Array<"viewer" | "analyst" | "admin" | "ingest">;

/** Roles by tenant; tenant * is every tenant */
export type TenantGrants = Record<string, RoleNames>;

export type PlatformRoles = "operator"[];

export type ScopeNames = Array<"metrics" | "replay">;

export type MeResponse = {
  id: string;
  name: string;
  kind: string;
  /** How history and audit rows name you */
  actor: string;
  tenants: TenantGrants;
  platform: PlatformRoles;
  scopes: ScopeNames;
  /** What you may do in at least one tenant or on the platform */
  actions: string[];
  expires_at: TimeOrNull;
};

export type SessionRequest = {
  /** A token of Logster: lgt_... */
  token: string;
};

export type SessionResponse = {
  /** Goes into X-CSRF-Token of what changes something; null where no cookie signed in */
  csrf_token: string | null;
  me: MeResponse;
  expires_at: TimeOrNull;
  /** Seconds without a request after which the session ends */
  idle_timeout: number | null;
  /** DISABLE_AUTH: everybody on this machine is let in */
  auth_disabled: boolean;
};

export type TokenRequest = {
  name: string;
  /** Whom it is for */
  owner?: string;
  tenants?: Record<string, Array<"viewer" | "analyst" | "admin" | "ingest">>;
  platform?: "operator"[];
  scopes?: Array<"metrics" | "replay">;
  /** Seconds since the epoch, or RFC 3339; without it auth.token_ttl from now */
  expires_at?: number | string | null;
};

export type TokenResponse = {
  token_id: string;
  name: string;
  owner: string | null;
  tenants: TenantGrants;
  platform: PlatformRoles;
  scopes: ScopeNames;
  created_at: TimeOrNull;
  expires_at: TimeOrNull;
  revoked_at: TimeOrNull;
  first_used_at: TimeOrNull;
  last_used_at: TimeOrNull;
};

export type TokenCreated = {
  /** The secret: shown this once */
  token: string;
  details: TokenResponse;
};

export type TokenList = {
  tokens: TokenResponse[];
};

export type TenantRequest = {
  tenant_id: TenantId;
  name?: string;
};

export type TenantResponse = {
  tenant_id: string;
  name: string | null;
  created_at: TimeOrNull;
  disabled_at: TimeOrNull;
};

export type TenantList = {
  tenants: TenantResponse[];
};

export type ModelList = {
  models: Array<{
    name: string;
    version: string;
    platform: string;
    sha256: string;
    /** For operators */
    path?: string | null;
    signature: "valid" | "invalid" | "unsigned" | "not_checked";
    signer: string | null;
    threshold: number;
    experimental: boolean;
    loaded_at: TimeOrNull;
    loaded_by: string | null;
    /** How it was trained and how well it did */
    training: Record<string, unknown> | null;
  }>;
};

export type DeadLetter = {
  id: string;
  state: "open" | "replayed" | "dropped";
  reason: string;
  detail: string | null;
  stage: string | null;
  source: string | null;
  tenant_id: string | null;
  endpoint?: string | null;
  principal?: string | null;
  schema?: string | null;
  topic: string | null;
  partition: number | null;
  offset: number | null;
  received_at: TimeOrNull;
  dead_at: TimeOrNull;
  /** Bytes of the record */
  size: number;
  key?: string | null;
  /** The record, where it is valid UTF-8; only when one is shown */
  text?: string;
  /** The record's bytes; only when one is shown */
  base64?: string;
};

export type DeadLetterList = {
  dead_letters: DeadLetter[];
  limit: Limit;
  next_cursor: NextCursor;
};

export type DeadLetterSelection = {
  ids?: string[];
  reason?: string;
  source?: string;
  from?: number | string | null;
  to?: number | string | null;
  /** Every open one */
  all?: boolean;
};

export type DeadLetterResult = {
  /** Dead letters that were replayed or dropped now */
  count: number;
  /** There are more of the selection: ask again */
  remaining: boolean;
};

export type AuditList = {
  /** Newest first */
  audit: Array<{
    /** Position in the log; for operators */
    seq?: number;
    at: TimeOrNull;
    /** null: the platform */
    tenant_id: string | null;
    actor: string;
    action: string;
    target: string | null;
    detail: Record<string, unknown>;
    request_id: string | null;
    /** For operators */
    hash?: string;
  }>;
  limit: Limit;
  next_cursor: NextCursor;
};

export type AuditCheck = {
  /** Every row is as it was written */
  ok: boolean;
  /** For operators, as all below */
  rows?: number;
  /** Position of the first row that does not match its hash */
  first_altered?: number | null;
  head_seq?: number;
  head?: string;
};

export type StatusResponse = {
  version: string;
  uptime_seconds: number;
  ready: boolean;
  not_ready_because?: string;
  /** Neither replayed nor dropped yet */
  dead_letters_open?: number;
  /** Stages with their lag, topics, held-back counts */
  platform: Record<string, unknown> | null;
};

export type Posture = {
  problems: number;
  checks: Array<{
    check: string;
    ok: boolean;
    /** How it is, and what to do about it */
    text: string;
  }>;
};

/** As `logster config show --json`: every key with its value and where it came from; secrets masked */
export type ConfigResponse = Record<string, unknown>;

/** RFC 9457 */
export type Problem = {
  type: string;
  title: string;
  status: number;
  detail?: string;
  instance?: string;
  request_id?: string;
  parameter?: string;
  [member: string]: unknown;
};
