// What a token may do, in few words, and which rights one may hand out.
import type { MeResponse, TenantGrants, TokenResponse } from "@/api";

export const TENANT_ROLES = ["viewer", "analyst", "admin", "ingest"] as const;
export type TenantRole = (typeof TENANT_ROLES)[number];

/** `default: analyst, ingest · operator · metrics`: longest first, `*` as "every tenant". */
export function grantsText(token: Pick<TokenResponse, "tenants" | "platform" | "scopes">): string {
  const parts = Object.entries(token.tenants).map(([tenant, roles]) => `${tenant === "*" ? "every tenant" : tenant}: ${roles.join(", ")}`);
  return [...parts, ...token.platform, ...token.scopes].join(" · ") || "nothing";
}

export type TokenState = "live" | "expired" | "revoked";

export function stateOf(token: Pick<TokenResponse, "revoked_at" | "expires_at">, now: number): TokenState {
  if (token.revoked_at) return "revoked";
  return token.expires_at && token.expires_at <= now ? "expired" : "live";
}

/** As the API judges it: an admin gives roles in his tenants, an operator in any, and the platform's own. */
export function mayGrant(me: Pick<MeResponse, "tenants" | "platform">): { tenants: "all" | string[]; platform: boolean } {
  const operator = me.platform.includes("operator");
  if (operator || holds(me.tenants, "*")) return { tenants: "all", platform: operator };
  return { tenants: Object.keys(me.tenants).filter((tenant) => holds(me.tenants, tenant)), platform: false };
}

function holds(tenants: TenantGrants, tenant: string): boolean {
  return tenants[tenant]?.includes("admin") ?? false;
}
