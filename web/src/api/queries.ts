// Made by scripts/api-types.mjs from /openapi.json: do not edit.

export type IngestQuery = {
  /** one of the token's tenants */
  tenant?: string;
  /** host of records that name none */
  endpoint?: string;
};

export type ListAlertsQuery = {
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Only alerts in this state; may be repeated */
  status?: Array<"open" | "acknowledged" | "investigating" | "resolved" | "false_positive">;
  /** Most rows of the answer */
  limit?: number;
  /** Rows to skip, from 0; not with a cursor */
  offset?: number;
  /** The `next_cursor` of the page before, with the same filters */
  cursor?: string;
  /** Only this severity; may be repeated */
  severity?: Array<"low" | "medium" | "high" | "critical">;
  /** Only this endpoint_id */
  endpoint?: string;
  /** Only alerts with this ATT&CK technique or one of its parts */
  technique?: string;
  /** Only alerts of this assignee */
  assignee?: string;
  /** Free text */
  q?: string;
  /** Event time: alerts that were still seen then or later */
  from?: string;
  /** Event time: alerts that were first seen before */
  to?: string;
  /** Arrival of the newest event, from */
  received_from?: string;
  /** Arrival of the newest event, before */
  received_to?: string;
  /** Order of the list */
  sort?: "last_seen" | "first_seen" | "received_at" | "created_at" | "updated_at" | "severity" | "attack_prob" | "occurrences";
  /** Direction of the order */
  order?: "asc" | "desc";
};

export type ListSimilarAlertsQuery = {
  /** Most alerts of the answer */
  limit?: number;
};

export type GetAlertTreeQuery = {
  /** Event time, from */
  from?: string;
  /** Event time, before */
  to?: string;
  /** Most processes of the answer */
  max_nodes?: number;
};

export type StreamAlertsQuery = {
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
};

export type ListFeedbackQuery = {
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Only on this alert */
  alert_id?: string;
  /** Most rows of the answer */
  limit?: number;
  /** The `next_cursor` of the page before, with the same filters */
  cursor?: string;
};

export type ExportFeedbackQuery = {
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
};

export type GetFeedbackQualityQuery = {
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Given then or later */
  from?: string;
  /** Given before */
  to?: string;
  /** Equal parts that the range is cut into */
  parts?: number;
};

export type ListEndpointsQuery = {
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Part of the id or host name */
  q?: string;
  /** Only this platform */
  platform?: "windows" | "linux";
  /** Verdicts from then on */
  from?: string;
  /** Verdicts before */
  to?: string;
  /** Order of the list */
  sort?: "max_attack_prob" | "last_seen" | "endpoint_id" | "alerts_active" | "total_attacks" | "severity" | "platform";
  /** Direction of the order */
  order?: "asc" | "desc";
  /** Most rows of the answer */
  limit?: number;
  /** Rows to skip, from 0; not with a cursor */
  offset?: number;
};

export type GetEndpointQuery = {
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Window end, from */
  from?: string;
  /** Window end, before */
  to?: string;
};

export type GetEndpointProfileQuery = {
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Most values of each kind */
  max_items?: number;
};

export type GetEndpointTreeQuery = {
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Event time, from */
  from?: string;
  /** Event time, before */
  to?: string;
  /** Only what belongs to this process */
  process_guid?: string;
  /** Most processes of the answer */
  max_nodes?: number;
};

export type ListEventsQuery = {
  /** Event time, from */
  from?: string;
  /** Event time, before */
  to?: string;
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Only this endpoint_id */
  endpoint?: string;
  /** Arrival, from */
  received_from?: string;
  /** Arrival, before */
  received_to?: string;
  /** Only this type; may be repeated */
  event_type?: Array<"process_create" | "process_fork" | "process_terminate" | "process_access" | "process_ptrace" | "process_signal" | "process_tamper" | "remote_thread" | "credential_change" | "image_load" | "driver_load" | "kernel_module_load" | "file_open" | "file_write" | "file_create" | "file_time_change" | "file_stream_create" | "file_delete" | "file_rename" | "file_link" | "file_mode_change" | "file_owner_change" | "file_blocked" | "file_executable_detected" | "memfd_create" | "raw_access_read" | "registry_key" | "registry_value_set" | "registry_rename" | "pipe_create" | "pipe_connect" | "wmi_filter" | "wmi_consumer" | "wmi_binding" | "network_connect" | "network_accept" | "network_bind" | "network_listen" | "dns_query" | "clipboard_change" | "sysmon_state" | "sysmon_config" | "logon" | "logon_failed" | "logon_explicit" | "privileges_assigned" | "object_handle" | "object_access" | "service_install" | "task_create" | "user_create" | "group_member_add" | "share_access" | "share_object_access" | "log_clear" | "powershell_engine" | "powershell_pipeline" | "powershell_module" | "script_block" | "mount" | "bpf" | "audit_config">;
  /** Only with this user */
  user?: string;
  /** Only with this program */
  image?: string;
  /** Only with this hash */
  hash?: string;
  /** Only with this address */
  ip?: string;
  /** Only of this process */
  process_guid?: string;
  /** Free text */
  q?: string;
  /** Not this endpoint_id; may be repeated, up to 16 times */
  not_endpoint?: string[];
  /** Not this type; may be repeated */
  not_event_type?: Array<"process_create" | "process_fork" | "process_terminate" | "process_access" | "process_ptrace" | "process_signal" | "process_tamper" | "remote_thread" | "credential_change" | "image_load" | "driver_load" | "kernel_module_load" | "file_open" | "file_write" | "file_create" | "file_time_change" | "file_stream_create" | "file_delete" | "file_rename" | "file_link" | "file_mode_change" | "file_owner_change" | "file_blocked" | "file_executable_detected" | "memfd_create" | "raw_access_read" | "registry_key" | "registry_value_set" | "registry_rename" | "pipe_create" | "pipe_connect" | "wmi_filter" | "wmi_consumer" | "wmi_binding" | "network_connect" | "network_accept" | "network_bind" | "network_listen" | "dns_query" | "clipboard_change" | "sysmon_state" | "sysmon_config" | "logon" | "logon_failed" | "logon_explicit" | "privileges_assigned" | "object_handle" | "object_access" | "service_install" | "task_create" | "user_create" | "group_member_add" | "share_access" | "share_object_access" | "log_clear" | "powershell_engine" | "powershell_pipeline" | "powershell_module" | "script_block" | "mount" | "bpf" | "audit_config">;
  /** Not with this user */
  not_user?: string[];
  /** Not with this program */
  not_image?: string[];
  /** Not with this hash */
  not_hash?: string[];
  /** Not with this address */
  not_ip?: string[];
  /** Not of this process */
  not_process_guid?: string[];
  /** Direction of time */
  order?: "asc" | "desc";
  /** With raw_event */
  raw?: boolean;
  /** Most rows of the answer */
  limit?: number;
  /** The `next_cursor` of the page before, with the same filters */
  cursor?: string;
};

export type GetEventHistogramQuery = {
  /** Event time, from */
  from?: string;
  /** Event time, before */
  to?: string;
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Only this endpoint_id */
  endpoint?: string;
  /** Arrival, from */
  received_from?: string;
  /** Arrival, before */
  received_to?: string;
  /** Only this type; may be repeated */
  event_type?: Array<"process_create" | "process_fork" | "process_terminate" | "process_access" | "process_ptrace" | "process_signal" | "process_tamper" | "remote_thread" | "credential_change" | "image_load" | "driver_load" | "kernel_module_load" | "file_open" | "file_write" | "file_create" | "file_time_change" | "file_stream_create" | "file_delete" | "file_rename" | "file_link" | "file_mode_change" | "file_owner_change" | "file_blocked" | "file_executable_detected" | "memfd_create" | "raw_access_read" | "registry_key" | "registry_value_set" | "registry_rename" | "pipe_create" | "pipe_connect" | "wmi_filter" | "wmi_consumer" | "wmi_binding" | "network_connect" | "network_accept" | "network_bind" | "network_listen" | "dns_query" | "clipboard_change" | "sysmon_state" | "sysmon_config" | "logon" | "logon_failed" | "logon_explicit" | "privileges_assigned" | "object_handle" | "object_access" | "service_install" | "task_create" | "user_create" | "group_member_add" | "share_access" | "share_object_access" | "log_clear" | "powershell_engine" | "powershell_pipeline" | "powershell_module" | "script_block" | "mount" | "bpf" | "audit_config">;
  /** Only with this user */
  user?: string;
  /** Only with this program */
  image?: string;
  /** Only with this hash */
  hash?: string;
  /** Only with this address */
  ip?: string;
  /** Only of this process */
  process_guid?: string;
  /** Free text */
  q?: string;
  /** Not this endpoint_id; may be repeated, up to 16 times */
  not_endpoint?: string[];
  /** Not this type; may be repeated */
  not_event_type?: Array<"process_create" | "process_fork" | "process_terminate" | "process_access" | "process_ptrace" | "process_signal" | "process_tamper" | "remote_thread" | "credential_change" | "image_load" | "driver_load" | "kernel_module_load" | "file_open" | "file_write" | "file_create" | "file_time_change" | "file_stream_create" | "file_delete" | "file_rename" | "file_link" | "file_mode_change" | "file_owner_change" | "file_blocked" | "file_executable_detected" | "memfd_create" | "raw_access_read" | "registry_key" | "registry_value_set" | "registry_rename" | "pipe_create" | "pipe_connect" | "wmi_filter" | "wmi_consumer" | "wmi_binding" | "network_connect" | "network_accept" | "network_bind" | "network_listen" | "dns_query" | "clipboard_change" | "sysmon_state" | "sysmon_config" | "logon" | "logon_failed" | "logon_explicit" | "privileges_assigned" | "object_handle" | "object_access" | "service_install" | "task_create" | "user_create" | "group_member_add" | "share_access" | "share_object_access" | "log_clear" | "powershell_engine" | "powershell_pipeline" | "powershell_module" | "script_block" | "mount" | "bpf" | "audit_config">;
  /** Not with this user */
  not_user?: string[];
  /** Not with this program */
  not_image?: string[];
  /** Not with this hash */
  not_hash?: string[];
  /** Not with this address */
  not_ip?: string[];
  /** Not of this process */
  not_process_guid?: string[];
  /** Direction of time */
  order?: "asc" | "desc";
  /** Parts that the range is cut into */
  buckets?: number;
};

export type ExportEventsQuery = {
  /** Event time, from */
  from?: string;
  /** Event time, before */
  to?: string;
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Only this endpoint_id */
  endpoint?: string;
  /** Arrival, from */
  received_from?: string;
  /** Arrival, before */
  received_to?: string;
  /** Only this type; may be repeated */
  event_type?: Array<"process_create" | "process_fork" | "process_terminate" | "process_access" | "process_ptrace" | "process_signal" | "process_tamper" | "remote_thread" | "credential_change" | "image_load" | "driver_load" | "kernel_module_load" | "file_open" | "file_write" | "file_create" | "file_time_change" | "file_stream_create" | "file_delete" | "file_rename" | "file_link" | "file_mode_change" | "file_owner_change" | "file_blocked" | "file_executable_detected" | "memfd_create" | "raw_access_read" | "registry_key" | "registry_value_set" | "registry_rename" | "pipe_create" | "pipe_connect" | "wmi_filter" | "wmi_consumer" | "wmi_binding" | "network_connect" | "network_accept" | "network_bind" | "network_listen" | "dns_query" | "clipboard_change" | "sysmon_state" | "sysmon_config" | "logon" | "logon_failed" | "logon_explicit" | "privileges_assigned" | "object_handle" | "object_access" | "service_install" | "task_create" | "user_create" | "group_member_add" | "share_access" | "share_object_access" | "log_clear" | "powershell_engine" | "powershell_pipeline" | "powershell_module" | "script_block" | "mount" | "bpf" | "audit_config">;
  /** Only with this user */
  user?: string;
  /** Only with this program */
  image?: string;
  /** Only with this hash */
  hash?: string;
  /** Only with this address */
  ip?: string;
  /** Only of this process */
  process_guid?: string;
  /** Free text */
  q?: string;
  /** Not this endpoint_id; may be repeated, up to 16 times */
  not_endpoint?: string[];
  /** Not this type; may be repeated */
  not_event_type?: Array<"process_create" | "process_fork" | "process_terminate" | "process_access" | "process_ptrace" | "process_signal" | "process_tamper" | "remote_thread" | "credential_change" | "image_load" | "driver_load" | "kernel_module_load" | "file_open" | "file_write" | "file_create" | "file_time_change" | "file_stream_create" | "file_delete" | "file_rename" | "file_link" | "file_mode_change" | "file_owner_change" | "file_blocked" | "file_executable_detected" | "memfd_create" | "raw_access_read" | "registry_key" | "registry_value_set" | "registry_rename" | "pipe_create" | "pipe_connect" | "wmi_filter" | "wmi_consumer" | "wmi_binding" | "network_connect" | "network_accept" | "network_bind" | "network_listen" | "dns_query" | "clipboard_change" | "sysmon_state" | "sysmon_config" | "logon" | "logon_failed" | "logon_explicit" | "privileges_assigned" | "object_handle" | "object_access" | "service_install" | "task_create" | "user_create" | "group_member_add" | "share_access" | "share_object_access" | "log_clear" | "powershell_engine" | "powershell_pipeline" | "powershell_module" | "script_block" | "mount" | "bpf" | "audit_config">;
  /** Not with this user */
  not_user?: string[];
  /** Not with this program */
  not_image?: string[];
  /** Not with this hash */
  not_hash?: string[];
  /** Not with this address */
  not_ip?: string[];
  /** Not of this process */
  not_process_guid?: string[];
  /** Direction of time */
  order?: "asc" | "desc";
  /** With raw_event */
  raw?: boolean;
  /** What the file is */
  format?: "ndjson" | "csv";
  /** Most rows of the file */
  limit?: number;
};

export type GetEventQuery = {
  /** Its event time, where you know it: it is found faster */
  time?: string;
  /** With raw_event */
  raw?: boolean;
};

export type ListInferencesQuery = {
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Only this endpoint_id */
  endpoint?: string;
  /** Window end, from */
  from?: string;
  /** Window end, before */
  to?: string;
  /** Arrival, from */
  received_from?: string;
  /** Arrival, before */
  received_to?: string;
  /** Only this kind; may be repeated */
  prediction?: Array<"attack" | "benign" | "error">;
  /** Only this severity; may be repeated */
  severity?: Array<"low" | "medium" | "high" | "critical">;
  /** Least attack probability */
  min_prob?: number;
  /** Only with this ATT&CK technique */
  technique?: string;
  /** Order of the list */
  sort?: "time" | "attack_prob";
  /** Direction of the order */
  order?: "asc" | "desc";
  /** Most rows of the answer */
  limit?: number;
  /** The `next_cursor` of the page before, with the same filters */
  cursor?: string;
};

export type GetInferenceQuery = {
  /** Its window's end, where you know it: it is found faster */
  time?: string;
};

export type GetInferenceGraphQuery = {
  /** Its window's end, where you know it: it is found faster */
  time?: string;
};

export type ListSuppressionsQuery = {
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Only those that hide now, or that no longer do */
  state?: "live" | "ended";
};

export type ListSearchesQuery = {
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
};

export type GetSummaryQuery = {
  /** Windows that end then or later */
  from?: string;
  /** Windows that end before */
  to?: string;
  /** Only this endpoint_id */
  host?: string;
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
};

export type GetDashboardSummaryQuery = {
  /** Windows that end then or later */
  from?: string;
  /** Windows that end before */
  to?: string;
  /** Only this endpoint_id */
  host?: string;
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
};

export type ListHostsQuery = {
  /** Windows that end then or later */
  from?: string;
  /** Windows that end before */
  to?: string;
  /** Only this endpoint_id */
  host?: string;
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Also each host's largest probability in so many equal parts of the range */
  trend?: number;
  /** Most hosts of the answer */
  limit?: number;
  /** Rows to skip, from 0; not with a cursor */
  offset?: number;
  /** Order of the list */
  sort?: "max_attack_prob" | "last_seen" | "endpoint_id" | "alerts_active" | "total_attacks" | "severity" | "platform";
  /** Direction of the order */
  order?: "asc" | "desc";
  /** Also hosts that are known but had no verdict in the range: their figures are 0 */
  silent?: boolean;
};

export type ListDashboardHostsQuery = {
  /** Windows that end then or later */
  from?: string;
  /** Windows that end before */
  to?: string;
  /** Only this endpoint_id */
  host?: string;
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Also each host's largest probability in so many equal parts of the range */
  trend?: number;
  /** Most hosts of the answer */
  limit?: number;
  /** Rows to skip, from 0; not with a cursor */
  offset?: number;
  /** Order of the list */
  sort?: "max_attack_prob" | "last_seen" | "endpoint_id" | "alerts_active" | "total_attacks" | "severity" | "platform";
  /** Direction of the order */
  order?: "asc" | "desc";
  /** Also hosts that are known but had no verdict in the range: their figures are 0 */
  silent?: boolean;
};

export type GetTimelineQuery = {
  /** Windows that end then or later */
  from?: string;
  /** Windows that end before */
  to?: string;
  /** Only this endpoint_id */
  host?: string;
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Most parts that the range is cut into */
  buckets?: number;
};

export type GetTechniquesQuery = {
  /** Windows that end then or later */
  from?: string;
  /** Windows that end before */
  to?: string;
  /** Only this endpoint_id */
  host?: string;
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Also counts in so many equal parts of the range */
  parts?: number;
};

export type ListDeadLettersQuery = {
  /** Only for this reason */
  reason?: string;
  /** Only of this source or topic */
  source?: string;
  /** Given up then or later */
  from?: string;
  /** Given up before */
  to?: string;
  /** Only these */
  state?: "open" | "replayed" | "dropped" | "any";
  /** Most rows of the answer */
  limit?: number;
  /** The `next_cursor` of the page before, with the same filters */
  cursor?: string;
};

export type ListAuditQuery = {
  /** Only this tenant; one that is not yours answers like an empty one */
  tenant_id?: string;
  /** Only by this actor */
  actor?: string;
  /** Only actions that begin so: `token.` or `alert.update` */
  action?: string;
  /** Only on this */
  target?: string;
  /** From */
  from?: string;
  /** Before */
  to?: string;
  /** Most rows of the answer */
  limit?: number;
  /** The `next_cursor` of the page before, with the same filters */
  cursor?: string;
};
