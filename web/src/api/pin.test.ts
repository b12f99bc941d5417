import { afterEach, describe, expect, it, vi } from "vitest";
import { get } from "./client";
import { noteClock, pinned } from "./pin";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  noteClock(new Date().toUTCString());
});

describe("the range of a list", () => {
  it("is fixed where there are pages, and nowhere else", () => {
    expect(pinned({ from: "now-1h", to: "now", limit: 5 }, 10_000)).toEqual({ from: "6400.000", to: "10001.000", limit: 5 });
    expect(pinned({ from: "now-1h", to: "now" }, 10_000)).toEqual({ from: "now-1h", to: "now" });
    expect(pinned({ from: "2026-01-01T00:00:00Z", limit: 5 }, 10_000)).toEqual({ from: "2026-01-01T00:00:00Z", limit: 5 });
    expect(pinned(undefined)).toBeUndefined();
  });

  it("goes by the platform's clock", () => {
    noteClock(new Date(1_000_000 * 1000).toUTCString(), 999_000 * 1000);
    expect(pinned({ from: "now-1s", limit: 1 }, 999_000)).toEqual({ from: "999999.000", limit: 1 });
    noteClock(new Date(1_000_000 * 1000).toUTCString(), 999_999_400);
    expect(pinned({ from: "now-1s", limit: 1 }, 999_000)).toEqual({ from: "998999.000", limit: 1 });
  });

  it("is the same on the second page, however late it is asked for", async () => {
    vi.useFakeTimers({ now: 50_000_000 });
    const asked: string[] = [];
    vi.stubGlobal("fetch", async (path: string) => {
      asked.push(path);
      return new Response(JSON.stringify({ next_cursor: asked.length === 1 ? "c1" : null }));
    });
    await get("/events", { from: "now-1h", to: "now", limit: 2 });
    vi.setSystemTime(50_090_000);
    await get("/events", { from: "now-1h", to: "now", limit: 2, cursor: "c1" });
    expect(asked[0]).toBe("/api/events?from=46400.000&to=50001.000&limit=2");
    expect(asked[1]).toBe("/api/events?from=46400.000&to=50001.000&limit=2&cursor=c1");
  });
});
