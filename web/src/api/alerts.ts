import { get, part, send } from "./client";
import type { ListAlertsQuery, GetAlertTreeQuery, GetFeedbackQualityQuery, ListFeedbackQuery } from "./queries";
import type {
  AlertEvidence, AlertHistory, AlertInferences, AlertListResponse, AlertPatch, AlertResponse,
  FeedbackList, FeedbackQuality, FeedbackRequest, FeedbackResponse, ProcessTree, SimilarAlerts,
} from "./schema";

export const listAlerts = (query: ListAlertsQuery, signal?: AbortSignal) => get<AlertListResponse>("/alerts", query, signal);
export const getAlert = (id: string, signal?: AbortSignal) => get<AlertResponse>(`/alerts/${part(id)}`, undefined, signal);
/** `version` is the alert's as it was shown: somebody else's faster change answers 412 with `current`. */
export const patchAlert = (id: string, patch: AlertPatch, version?: number) =>
  send<AlertResponse>("PATCH", `/alerts/${part(id)}`, patch, version);
export const getAlertHistory = (id: string, signal?: AbortSignal) => get<AlertHistory>(`/alerts/${part(id)}/history`, undefined, signal);
export const getAlertEvidence = (id: string, signal?: AbortSignal) => get<AlertEvidence>(`/alerts/${part(id)}/evidence`, undefined, signal);
export const listAlertInferences = (id: string, signal?: AbortSignal) =>
  get<AlertInferences>(`/alerts/${part(id)}/inferences`, undefined, signal);
export const listSimilarAlerts = (id: string, limit?: number, signal?: AbortSignal) =>
  get<SimilarAlerts>(`/alerts/${part(id)}/similar`, { limit }, signal);
export const getAlertTree = (id: string, query: GetAlertTreeQuery, signal?: AbortSignal) =>
  get<ProcessTree>(`/alerts/${part(id)}/tree`, query, signal);

export const listFeedback = (query: ListFeedbackQuery, signal?: AbortSignal) => get<FeedbackList>("/feedback", query, signal);
export const createFeedback = (body: FeedbackRequest) => send<FeedbackResponse>("POST", "/feedback", body);
export const getFeedbackQuality = (query: GetFeedbackQualityQuery, signal?: AbortSignal) =>
  get<FeedbackQuality>("/feedback/quality", query, signal);
/** Address of all feedback as NDJSON: for a download link. */
export const FEEDBACK_EXPORT = "/api/feedback/export";
