import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { EventResponse } from "@/api";
import { aboutEvent, EVENT_TYPES, eventHas, keepEvents, planHunt, readSaved, sortedFields } from "./hunt";

const event = (event_type: string, data: Record<string, unknown>): EventResponse => ({
  event_id: "1", tenant_id: "default", hostname: "hr001.corp", endpoint_id: "hr001", platform: "windows", source: "sysmon",
  event_type, timestamp: 1, data, received_at: 1,
});
const only = (field: string, value: string) => ({ field, value, out: false });
const not = (field: string, value: string) => ({ field, value, out: true });

describe("a hunt's plan", () => {
  it("asks the platform by its own fields", () => {
    const plan = planHunt({ from: "now-1h" }, [only("host", "hr001"), only("process", "cmd.exe"), only("event_type", "dns_query"), only("event_type", "logon")], "evil");
    expect(plan.query).toEqual({ from: "now-1h", q: "evil", endpoint: "hr001", image: "cmd.exe", event_type: ["dns_query", "logon"] });
    expect(plan.local).toEqual([]);
  });

  it("leaves out by the platform's own fields", () => {
    const plan = planHunt({}, [not("process", "svchost.exe"), not("image", "a.exe"), not("host", "h1"), not("event_type", "logon"), not("address", "::1")], "");
    expect(plan).toEqual({
      local: [], foreign: [],
      query: { not_image: ["svchost.exe", "a.exe"], not_endpoint: ["h1"], not_event_type: ["logon"], not_ip: ["::1"] },
    });
    const many = planHunt({}, Array.from({ length: 17 }, (_, at) => not("user", `u${at}`)), "");
    expect(many.query.not_user).toHaveLength(16);
    expect(many.local).toEqual([not("user", "u16")]);
  });

  it("keeps what the platform cannot do: second values, unknown types, other fields", () => {
    const plan = planHunt({}, [not("command_line", "svchost.exe"), only("user", "a"), only("user", "b"), only("event_type", "nonsense"), only("target_filename", "C:\\x.dmp")], "");
    expect(plan.local.map((one) => one.value)).toEqual(["svchost.exe", "b", "nonsense", "C:\\x.dmp"]);
    // Narrowed by text that the event must hold; never by a value that is left out.
    expect(plan.query).toEqual({ user: "a", q: "nonsense" });
    expect(planHunt({}, [not("command_line", "svchost.exe")], "").query).toEqual({});
    expect(planHunt({}, [only("command_line", 'say "hi"')], "").query).toEqual({});
  });

  it("does not send what the platform would refuse", () => {
    const long = "ä".repeat(200);
    expect(planHunt({}, [only("user", long)], "")).toMatchObject({ query: {}, local: [{ value: long }] });
  });

  it("knows what no event has", () => {
    const plan = planHunt({}, [only("technique", "T1003")], "");
    expect(plan.foreign).toHaveLength(1);
    expect(plan.query).toEqual({});
  });

  it("has the platform's event types", () => {
    const text = readFileSync("src/api/queries.ts", "utf8");
    const listed = /ListEventsQuery = \{[\s\S]*?event_type\?: Array<([^>]*)>/.exec(text)![1]!;
    expect(listed.split(" | ")).toEqual(EVENT_TYPES.map((one) => `"${one}"`));
  });
});

describe("filters on loaded events", () => {
  const created = event("process_create", { image: "C:\\Windows\\CMD.exe", sha256: "AB", hashes: "SHA256=AB,MD5=CD", process_id: 12, user: "CORP\\alice" });
  it("finds paths by file name, hashes in lists, numbers as text", () => {
    expect(eventHas(created, "image", "cmd.exe")).toBe(true);
    expect(eventHas(created, "image", "c:\\windows\\cmd.exe")).toBe(true);
    expect(eventHas(created, "image", "md.exe")).toBe(false);
    expect(eventHas(created, "hash", "cd")).toBe(true);
    expect(eventHas(created, "process_id", "12")).toBe(true);
    expect(eventHas(created, "process_id", "1")).toBe(false);
    expect(eventHas(created, "host", "HR001")).toBe(true);
    expect(eventHas(created, "account", "alice")).toBe(true);
    expect(eventHas(created, "user", "alice")).toBe(false);
  });

  it("keeps and leaves out", () => {
    const other = event("process_create", { image: "/bin/sh" });
    expect(keepEvents([created, other], [not("image", "cmd.exe")])).toEqual([other]);
    expect(keepEvents([created, other], [only("image", "cmd.exe"), not("host", "hr001")])).toEqual([]);
  });
});

describe("an event in a line", () => {
  it("says what it is about", () => {
    expect(aboutEvent(event("process_access", { target_image: "lsass.exe", granted_access: "0x1410", x: 1 }))).toEqual([
      { field: "target_image", value: "lsass.exe" }, { field: "granted_access", value: "0x1410" }]);
    expect(aboutEvent(event("mount", { path: "/mnt" }))).toEqual([{ field: "path", value: "/mnt" }]);
    expect(aboutEvent(event("bpf", {}))).toEqual([]);
  });

  it("puts first what is read first", () => {
    expect(sortedFields({ zeta: 1, command_line: "c", alpha: { a: 1 }, empty: "", image: "i" }).map((one) => one.field)).toEqual(["image", "command_line", "alpha", "zeta"]);
  });
});

describe("saved searches", () => {
  it("are read as text, whatever they hold", () => {
    expect(readSaved({ q: 1, f: ["user:a", 2, null], from: "now-1h", order: "sideways" })).toEqual({ q: "", f: ["user:a"], from: "now-1h", to: "", host: "", order: "" });
    expect(readSaved({ f: "user:a" }).f).toEqual([]);
  });
});
