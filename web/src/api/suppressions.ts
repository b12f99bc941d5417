import { get, part, send } from "./client";
import type { ListSuppressionsQuery } from "./queries";
import type {
  SuppressionHits, SuppressionList, SuppressionPreview, SuppressionPreviewRequest, SuppressionRequest, SuppressionResponse,
} from "./schema";

export const listSuppressions = (query: ListSuppressionsQuery, signal?: AbortSignal) =>
  get<SuppressionList>("/suppressions", query, signal);
export const getSuppression = (id: string, signal?: AbortSignal) =>
  get<SuppressionResponse>(`/suppressions/${part(id)}`, undefined, signal);
export const listSuppressionHits = (id: string, signal?: AbortSignal) =>
  get<SuppressionHits>(`/suppressions/${part(id)}/hits`, undefined, signal);
export const previewSuppression = (body: SuppressionPreviewRequest) =>
  send<SuppressionPreview>("POST", "/suppressions/preview", body);
export const createSuppression = (body: SuppressionRequest) => send<SuppressionResponse>("POST", "/suppressions", body);
export const revokeSuppression = (id: string) => send<void>("DELETE", `/suppressions/${part(id)}`);
