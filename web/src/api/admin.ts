import { get, part, send } from "./client";
import type { ListAuditQuery, ListDeadLettersQuery } from "./queries";
import type {
  AuditCheck, AuditList, ConfigResponse, DeadLetter, DeadLetterList, DeadLetterResult, DeadLetterSelection, ModelList,
  TenantList, TenantRequest, TenantResponse, TokenCreated, TokenList, TokenRequest,
} from "./schema";

export const listTokens = (signal?: AbortSignal) => get<TokenList>("/tokens", undefined, signal);
export const createToken = (body: TokenRequest) => send<TokenCreated>("POST", "/tokens", body);
export const revokeToken = (id: string) => send<void>("DELETE", `/tokens/${part(id)}`);

export const listTenants = (signal?: AbortSignal) => get<TenantList>("/tenants", undefined, signal);
export const createTenant = (body: TenantRequest) => send<TenantResponse>("POST", "/tenants", body);
export const disableTenant = (id: string) => send<TenantResponse>("POST", `/tenants/${part(id)}/disable`);

export const listModels = (signal?: AbortSignal) => get<ModelList>("/models", undefined, signal);

export const listAudit = (query: ListAuditQuery, signal?: AbortSignal) => get<AuditList>("/audit", query, signal);
export const verifyAudit = (signal?: AbortSignal) => get<AuditCheck>("/audit/verify", undefined, signal);

export const getConfig = (signal?: AbortSignal) => get<ConfigResponse>("/config", undefined, signal);

export const listDeadLetters = (query: ListDeadLettersQuery, signal?: AbortSignal) =>
  get<DeadLetterList>("/dead-letters", query, signal);
export const getDeadLetter = (id: string, signal?: AbortSignal) => get<DeadLetter>(`/dead-letters/${part(id)}`, undefined, signal);
export const dropDeadLetter = (id: string) => send<DeadLetterResult>("DELETE", `/dead-letters/${part(id)}`);
export const replayDeadLetter = (id: string) => send<DeadLetterResult>("POST", `/dead-letters/${part(id)}/replay`);
export const replayDeadLetters = (body: DeadLetterSelection) => send<DeadLetterResult>("POST", "/dead-letters/replay", body);
export const dropDeadLetters = (body: DeadLetterSelection) => send<DeadLetterResult>("POST", "/dead-letters/drop", body);
