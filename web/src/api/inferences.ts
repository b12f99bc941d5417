import { get, part } from "./client";
import type { GetInferenceQuery, ListInferencesQuery } from "./queries";
import type { InferenceListResponse, InferenceResponse } from "./schema";
import type { WindowGraph } from "./graph";

export const listInferences = (query: ListInferencesQuery, signal?: AbortSignal) =>
  get<InferenceListResponse>("/inferences", query, signal);
/** `time` (the window's end) lets the platform find it faster. */
export const getInference = (id: string, query: GetInferenceQuery = {}, signal?: AbortSignal) =>
  get<InferenceResponse>(`/inferences/${part(id)}`, query, signal);
export const getInferenceGraph = (id: string, query: GetInferenceQuery = {}, signal?: AbortSignal) =>
  get<WindowGraph>(`/inferences/${part(id)}/graph`, query, signal);
