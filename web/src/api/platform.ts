import { get } from "./client";
import type { HealthResponse, Live, Posture, StatusResponse } from "./schema";

export interface StageStatus {
  name: string;
  workers: number;
  records: number;
  lag: number;
  retrying: number;
  dead_letters: number;
}

/** What /status holds in its open member `platform`. */
export interface PlatformStatus extends Omit<StatusResponse, "platform"> {
  platform: { stages?: StageStatus[]; bus?: { failed: boolean; full: boolean; disk_bytes: number }; [more: string]: unknown } | null;
}

export const getStatus = (signal?: AbortSignal) => get<PlatformStatus>("/status", undefined, signal);
export const getReadiness = (signal?: AbortSignal) => get<Live>("/readyz", undefined, signal);
export const getHealth = (signal?: AbortSignal) => get<HealthResponse>("/health", undefined, signal);
export const getPosture = (signal?: AbortSignal) => get<Posture>("/posture", undefined, signal);
