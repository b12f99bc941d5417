import { get, part } from "./client";
import type { GetEndpointProfileQuery, GetEndpointQuery, GetEndpointTreeQuery, ListEndpointsQuery } from "./queries";
import type { EndpointList, EndpointProfile, EndpointResponse, ProcessTree } from "./schema";

export const listEndpoints = (query: ListEndpointsQuery, signal?: AbortSignal) => get<EndpointList>("/endpoints", query, signal);
export const getEndpoint = (id: string, query: GetEndpointQuery, signal?: AbortSignal) =>
  get<EndpointResponse>(`/endpoints/${part(id)}`, query, signal);
export const getEndpointProfile = (id: string, query: GetEndpointProfileQuery, signal?: AbortSignal) =>
  get<EndpointProfile>(`/endpoints/${part(id)}/profile`, query, signal);
export const getEndpointTree = (id: string, query: GetEndpointTreeQuery, signal?: AbortSignal) =>
  get<ProcessTree>(`/endpoints/${part(id)}/tree`, query, signal);
