import { describe, expect, it } from "vitest";
import { grantsText, mayGrant, stateOf } from "./grants";

describe("grantsText", () => {
  it("names tenants, platform and scopes", () => {
    expect(grantsText({ tenants: { default: ["analyst", "ingest"], "*": ["viewer"] }, platform: ["operator"], scopes: ["metrics"] }))
      .toBe("default: analyst, ingest · every tenant: viewer · operator · metrics");
    expect(grantsText({ tenants: {}, platform: [], scopes: [] })).toBe("nothing");
  });
});

describe("stateOf", () => {
  it("revoked wins over expired; no expiry lives on", () => {
    expect(stateOf({ revoked_at: 5, expires_at: 1 }, 10)).toBe("revoked");
    expect(stateOf({ revoked_at: null, expires_at: 10 }, 10)).toBe("expired");
    expect(stateOf({ revoked_at: null, expires_at: 11 }, 10)).toBe("live");
    expect(stateOf({ revoked_at: null, expires_at: null }, 10)).toBe("live");
  });
});

describe("mayGrant", () => {
  it("an admin gives roles in his own tenants only", () => {
    expect(mayGrant({ tenants: { a: ["admin"], b: ["viewer"] }, platform: [] })).toEqual({ tenants: ["a"], platform: false });
    expect(mayGrant({ tenants: { "*": ["admin"] }, platform: [] })).toEqual({ tenants: "all", platform: false });
    expect(mayGrant({ tenants: {}, platform: ["operator"] })).toEqual({ tenants: "all", platform: true });
  });
});
