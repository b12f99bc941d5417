import { get, part, queryText, send } from "./client";
import type { ExportEventsQuery, GetEventHistogramQuery, GetEventQuery, ListEventsQuery, ListSearchesQuery } from "./queries";
import type { EventHistogram, EventListResponse, EventResponse, SearchList, SearchRequest, SearchResponse } from "./schema";

export const listEvents = (query: ListEventsQuery, signal?: AbortSignal) => get<EventListResponse>("/events", query, signal);
export const getEventHistogram = (query: GetEventHistogramQuery, signal?: AbortSignal) =>
  get<EventHistogram>("/events/histogram", query, signal);
export const getEvent = (id: string, query: GetEventQuery, signal?: AbortSignal) =>
  get<EventResponse>(`/events/${part(id)}`, query, signal);
/** Address of what a search finds, as a file: for a download link. */
export const exportEventsUrl = (query: ExportEventsQuery) => `/api/events/export${queryText(query)}`;

export const listSearches = (query: ListSearchesQuery, signal?: AbortSignal) => get<SearchList>("/searches", query, signal);
export const createSearch = (body: SearchRequest) => send<SearchResponse>("POST", "/searches", body);
export const replaceSearch = (id: string, body: SearchRequest) => send<SearchResponse>("PUT", `/searches/${part(id)}`, body);
export const deleteSearch = (id: string) => send<void>("DELETE", `/searches/${part(id)}`);
