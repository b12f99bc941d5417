import { get } from "./client";
import type { GetSummaryQuery, GetTechniquesQuery, GetTimelineQuery, ListHostsQuery } from "./queries";
import type { HostsResponse, SummaryResponse, TechniquesResponse, TimelineResponse } from "./schema";

export const getSummary = (query: GetSummaryQuery, signal?: AbortSignal) => get<SummaryResponse>("/summary", query, signal);
export const listHosts = (query: ListHostsQuery, signal?: AbortSignal) => get<HostsResponse>("/hosts", query, signal);
export const getTimeline = (query: GetTimelineQuery, signal?: AbortSignal) => get<TimelineResponse>("/timeline", query, signal);
export const getTechniques = (query: GetTechniquesQuery, signal?: AbortSignal) =>
  get<TechniquesResponse>("/techniques", query, signal);
