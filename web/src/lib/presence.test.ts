import { afterEach, describe, expect, it, vi } from "vitest";
import { fetchRaw } from "@/api/client";
import { nobodyThere, noteInput } from "./presence";

afterEach(() => {
  vi.unstubAllGlobals();
  noteInput();
});

async function headersOf(): Promise<Record<string, string>> {
  const fetch = vi.fn(async (_path: string, _init: RequestInit) => new Response("{}"));
  vi.stubGlobal("fetch", fetch);
  await fetchRaw("GET", "/api/me");
  return fetch.mock.calls[0]![1].headers as Record<string, string>;
}

describe("presence", () => {
  it("ends a while after the last input", () => {
    noteInput(1_000_000);
    expect(nobodyThere(1_030_000, false)).toBe(false);
    expect(nobodyThere(1_041_000, false)).toBe(true);
    expect(nobodyThere(1_001_000, true)).toBe(true);
  });

  it("comes back with a key", () => {
    noteInput(0);
    expect(nobodyThere(Date.now(), false)).toBe(true);
    window.dispatchEvent(new KeyboardEvent("keydown", { key: "j" }));
    expect(nobodyThere(Date.now(), false)).toBe(false);
  });

  it("marks what an abandoned page asks, and nothing else", async () => {
    noteInput();
    expect(await headersOf()).not.toHaveProperty("X-Logster-Background");
    noteInput(0);
    expect(await headersOf()).toMatchObject({ "X-Logster-Background": "1" });
  });
});
