import { describe, expect, it } from "vitest";
import type { EventResponse, Evidence } from "@/api";
import { makeStory, memberProb, STORY_LINES, tellEvent } from "./story";

let count = 0;
const event = (event_type: string, timestamp: number, data: Record<string, unknown>) =>
  ({ event_id: `e${++count}`, event_type, timestamp, data }) as unknown as EventResponse;

const start = event("process_create", 10, {
  process_guid: "g1", image: "C:\\ps.exe", command_line: "ps -enc AA", parent_image: "C:\\Office\\winword.exe",
});
const access = event("process_access", 12, { process_guid: "g1", image: "C:\\ps.exe", target_image: "C:\\Windows\\System32\\lsass.exe", granted_access: 0x1410 });
const dump = event("file_create", 14, { process_guid: "g1", image: "C:\\ps.exe", target_filename: "C:\\Temp\\d.dmp" });
const evidence = [
  { node: 1, type: "process", name: "C:\\ps.exe", process_guid: "g1", first_seen: 10, share: 0.6, techniques: ["T1059.001"] },
  { node: 2, type: "file", name: "C:\\Temp\\d.dmp", first_seen: 14, share: 0.3, techniques: ["T1003.001"] },
  { node: 3, type: "pipe", name: "\\gone", first_seen: 11, share: 0.1, techniques: [] },
] as unknown as Evidence[];

describe("the story", () => {
  it("is in order of time, each line with its event, evidence without one said as such", () => {
    const lines = makeStory(evidence, [dump, access, start]);
    expect(lines.map((line) => [line.at, line.actor, line.verb, line.event?.event_id ?? null])).toEqual([
      [10, "winword.exe", "started", start.event_id],
      [11, "pipe", "was touched:", null],
      [12, "ps.exe", "opened process", access.event_id],
      [14, "ps.exe", "created", dump.event_id],
    ]);
    expect(lines[0]!.techniques).toEqual(["T1059.001"]);
    expect(lines[2]!.detail).toBe("with access 0x1410");
  });
  it("has at most fifteen lines, and says repeats once", () => {
    const many = Array.from({ length: 60 }, (_, at) => event("registry_value_set", 20 + at, { process_guid: "g1", image: "C:\\ps.exe", target_object: `HKLM\\k${at}` }));
    const same = Array.from({ length: 9 }, (_, at) => event("network_connect", 15 + at, { process_guid: "g1", image: "C:\\ps.exe", destination_ip: "10.0.0.1", destination_port: 443 }));
    const lines = makeStory(evidence, [start, dump, ...many, ...same]);
    expect(lines).toHaveLength(STORY_LINES);
    const network = makeStory(evidence, [start, ...same]).find((line) => line.verb === "connected to");
    expect([network?.object, network?.times]).toEqual(["10.0.0.1:443", 9]);
  });
  it("folds evidence that says the same, with all that it weighs", () => {
    const runs = [1, 2, 3, 4].map((at) => event("process_create", 20 + at, { process_guid: `r${at}`, image: "C:\\reg.exe", parent_image: "C:\\cmd.exe" }));
    const shares = [1, 2, 3, 4].map((at) => ({ node: at, type: "process", name: "C:\\reg.exe", process_guid: `r${at}`, share: 0.25, techniques: ["T1112"] }));
    const lines = makeStory(shares as unknown as Evidence[], runs);
    expect(lines.map((line) => [line.object, line.times, line.share, line.techniques])).toEqual([["C:\\reg.exe", 4, 1, ["T1112"]]]);
  });
  it("takes odd records without falling over", () => {
    expect(tellEvent(event("process_create", 1, {})).actor).toBe("a process");
    expect(tellEvent(event("something_new", 1, { image: 7 })).verb).toBe("something new");
    expect(tellEvent(event("logon", 1, { target_user_name: ["x"] })).object).toBe("");
    expect(makeStory([], [])).toEqual([]);
  });
});

describe("members", () => {
  it("turn log-odds into probabilities", () => {
    expect(memberProb(0)).toBe(0.5);
    expect(memberProb(null)).toBeNull();
  });
});
