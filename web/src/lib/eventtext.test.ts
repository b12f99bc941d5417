import { describe, expect, it } from "vitest";
import { eventActor, eventObject, ledgerGaps, oddsToProb, receivedShare } from "./eventtext";

describe("an event in one line", () => {
  it("says who and what", () => {
    expect(eventActor({ image: "C:\\Windows\\cmd.exe" })).toBe("cmd.exe");
    expect(eventObject("process_create", { command_line: "cmd /c x", image: "cmd" })).toBe("cmd /c x");
    expect(eventObject("network_connect", { destination_ip: "10.0.0.1", destination_port: 443 })).toBe("10.0.0.1:443");
    expect(eventObject("dns_query", { query_name: "a.b", destination_port: 53 })).toBe("a.b");
    expect(eventObject("registry_value_set", { target_object: "HKLM\\x", details: "1" })).toBe("HKLM\\x = 1");
    expect(eventObject("file_rename", { target_filename: "a", new_filename: "b" })).toBe("a → b");
    expect(eventObject("process_access", { target_image: "lsass.exe" })).toBe("lsass.exe");
    expect(eventObject("logon", { nothing: { deep: 1 } })).toBe("");
  });
});

it("reads log-odds", () => {
  expect(oddsToProb(0)).toBe(0.5);
  expect(oddsToProb(null)).toBeNull();
  expect(oddsToProb(800)).toBe(1);
  expect(oddsToProb(-800)).toBe(0);
});

it("reads a ledger", () => {
  const ledger = { events: 90, missed: 5, refused: 5, late_events: 0, duplicates: 70, range_incomplete: true };
  expect(ledgerGaps(ledger)).toEqual([["missed", 5], ["refused", 5]]);
  expect(receivedShare(ledger)).toBe(0.9);
  expect(receivedShare({ events: 0 })).toBeNull();
  expect(receivedShare(undefined)).toBeNull();
});
