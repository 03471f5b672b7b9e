// What an event asks to be revoked, and which events may ask for it: only known senders, only of their own issuer.
import { describe, expect, test } from "vitest";
import { askedBy, type KafkaSender } from "../../../../src/control/kafka/asked-by-event.ts";
import type { CloudEvent } from "../../../../src/control/kafka/cloud-event.ts";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const HR: KafkaSender = { id: "hr", topic: "hr", source: "urn:hr", issuer: "main", kinds: ["token", "user"] };
const ROOT: KafkaSender = { id: "root", topic: "ops", source: "urn:ops", issuer: undefined, kinds: ["everything"] };
const ADDRESSED = { audience: "fleet", senders: [HR, ROOT] };

const EVENT: CloudEvent = {
  id: "1",
  source: "urn:hr",
  type: "portcullis.revoked.v1",
  time: "2026-11-21T11:59:58.900Z",
  audience: "fleet",
  data: { target: { kind: "user", id: "alice" }, reason: "left" },
};

const asked = (over: Partial<CloudEvent>, topic = "hr"): ReturnType<typeof askedBy> =>
  askedBy({ ...EVENT, ...over }, topic, ADDRESSED, NOW);
const bodyOf = (over: Partial<CloudEvent>, topic?: string): unknown => {
  const found = asked(over, topic);
  return found.ok ? found.value.body : found.error.result;
};

describe("what an event asks for", () => {
  test("is its target, of its sender's issuer, from the second after it happened", () => {
    expect(bodyOf({})).toEqual({
      target: { kind: "user", issuer: "main", id: "alice" },
      reason: "left",
      issuedBefore: Date.parse("2026-11-21T11:59:59Z") / 1_000,
    });
  });

  test("may name the instant itself, and a token has none", () => {
    const user = { target: { kind: "user", issuer: "main", id: "a" }, reason: "r", issued_before: 1_700_000_000 };
    expect(bodyOf({ data: user })).toMatchObject({ issuedBefore: 1_700_000_000 });
    expect(bodyOf({ data: { target: { kind: "token", id: "j" }, reason: "r", issued_before: "x" } })).toEqual({
      target: { kind: "token", issuer: "main", id: "j" },
      reason: "r",
    });
  });

  test("is everything for whom that is allowed, and no issuer's", () => {
    const all = { source: "urn:ops", data: { target: { kind: "everything" }, reason: "breach" } };
    expect(bodyOf(all, "ops")).toMatchObject({ target: { kind: "everything" } });
    expect(bodyOf(all)).toBe("not_allowed"); // the same source by another's topic
  });
});

describe("refused as not allowed", () => {
  test.each<[string, Partial<CloudEvent>]>([
    ["a source nobody named", { source: "urn:mallory" }],
    ["a source that differs by a slash", { source: "urn:hr/" }],
    ["another audience", { audience: "staging" }],
    ["no audience", { audience: undefined }],
    ["a kind that is not among the sender's", { data: { target: { kind: "session", id: "s" }, reason: "r" } }],
    ["everything", { data: { target: { kind: "everything" }, reason: "r" } }],
    ["another issuer", { data: { target: { kind: "user", issuer: "partner", id: "a" }, reason: "r" } }],
  ])("%s", (_what, over) => {
    expect(bodyOf(over)).toBe("not_allowed");
  });
});

describe("refused as malformed", () => {
  const user = { kind: "user", id: "alice" };
  test.each<[string, Partial<CloudEvent>]>([
    ["without a time", { time: undefined }],
    ["with a time in no such form", { time: "yesterday" }],
    ["with a time that is a day alone", { time: "2026-11-21" }],
    ["with a time that is none", { time: "2026-13-41T00:00:00Z" }],
    ["from more than five minutes ahead", { time: "2026-11-21T12:05:01Z" }],
    ["without a target", { data: { reason: "r" } }],
    ["of an unknown kind", { data: { target: { kind: "planet", id: "x" }, reason: "r" } }],
    ["with an id that is a number", { data: { target: { kind: "user", id: 7 }, reason: "r" } }],
    ["without a reason", { data: { target: user } }],
    ["with an issued_before in milliseconds' fractions", { data: { target: user, reason: "r", issued_before: 1.5 } }],
  ])("%s", (_what, over) => {
    expect(bodyOf(over)).toBe("malformed");
  });
});

test("what revokes nothing is ignored, though only of a known sender", () => {
  expect(bodyOf({ type: "portcullis.lifted.v1" })).toBe("ignored");
  expect(bodyOf({ type: "portcullis.lifted.v1", source: "urn:mallory" })).toBe("not_allowed");
});
