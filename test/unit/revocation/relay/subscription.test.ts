// What a follower of a relay is told, in which order, and when it is cut.

import { expect, test } from "vitest";
import { eventLoop } from "../../../../src/resilience/schedule.ts";
import { createFingerprints } from "../../../../src/revocation/replica/fingerprint.ts";
import { Knowledge } from "../../../../src/revocation/replica/knowledge.ts";
import type { FeedEntry, StandingMarker } from "../../../../src/revocation/replica/source.ts";
import { Journal } from "../../../../src/revocation/relay/journal.ts";
import { Copy } from "../../../../src/revocation/relay/copy.ts";
import { readFrame, readMessage, type Hello } from "../../../../src/revocation/relay/messages.ts";
import { Subscription, type EndCause } from "../../../../src/revocation/relay/subscription.ts";
import { subjectOf } from "../../../../src/revocation/subject.ts";
import { principalOf } from "../../../support/principal.ts";
import { until } from "../../../support/wait.ts";

const MARKER: StandingMarker = { kind: "token", value: "1", expiresAtMs: undefined };
const fingerprints = createFingerprints("salt");

function entry(jti: string, marker: StandingMarker | undefined): FeedEntry {
  const head = { epoch: "e", seq: 1, link: "l", previousLink: "" };
  return { ...head, key: `revoked:jti:main:${jti}`, marker, isAwaited: false };
}

const put = (jti: string): FeedEntry => entry(jti, MARKER);
const lift = (jti: string): FeedEntry => entry(jti, undefined);

/** A relay of nothing but what a test teaches it, and one follower that applies what it hears as a sidecar does. */
function begin({ maxBytes = 1_000_000, resumeAt = undefined as number | undefined, mayBegin = true } = {}) {
  const journal = new Journal({ maxBytes, onPending: () => undefined });
  const known = new Knowledge(fingerprints, (record) => journal.add(record));
  const teach = (change: FeedEntry): void => known.applyEntry({ ...change, seq: (seq += 1) }, false);
  let seq = 0;
  let now = { monotonicMs: 1_000, wallMs: 1_000 };
  let position: typeof now | undefined = now;
  let copy = new Copy("r", "salt", 1);
  const heard: unknown[] = [];
  const ended: EndCause[] = [];
  let isTaking: Promise<boolean> | undefined;
  const start = (): Subscription => {
    journal.flush();
    const resumed = resumeAt !== undefined;
    const next = resumeAt ?? journal.next;
    const hello: Hello = { type: "hello", relay: "r", salt: "salt", key_prefix: "", next, resumed };
    const subscription = new Subscription({
      outlet: {
        send(data) {
          if (typeof data === "string") {
            const message = readMessage(data);
            heard.push(message);
            if (message?.type === "hello") copy = new Copy("r", "salt", message.next);
            if (message?.type === "whole") copy.isWhole = true;
          } else {
            const frame = readFrame(data);
            heard.push(frame?.type);
            if (frame?.type === "part") copy.addPart(frame.records);
            if (frame?.type === "changes") expect(copy.change(frame.number, frame.records)).toBe(true);
          }
          return isTaking;
        },
        end: (cause) => void ended.push(cause),
      },
      clock: { now: () => now },
      schedule: eventLoop,
      journal,
      known,
      replica: {
        get position() {
          return position;
        },
        status: () => ({ position, entryCount: 0, heededUpTo: undefined, seq: 7, isPushed: true, why: undefined }),
      },
      heeded: () => ({ epoch: "e", seq: 7 }),
      hello,
      beginSnapshot: () => mayBegin,
      endSnapshot: () => undefined,
      onOver: () => undefined,
    });
    subscription.pump();
    return subscription;
  };
  return {
    journal,
    teach,
    start,
    copy: () => copy,
    heard,
    ended,
    at: (ms: number, of: typeof position) => {
      now = { monotonicMs: ms, wallMs: ms };
      position = of;
    },
    hold: (taking: Promise<boolean> | undefined) => void (isTaking = taking),
    stateOf: (jti: string) => copy.judge(subjectOf(principalOf({ issuerId: "main", tokenId: jti }), "", jti, 0)).state,
  };
}

test("everything that stands comes in parts, and what changes meanwhile is neither lost nor undone", async () => {
  const relay = begin();
  for (let i = 0; i < 5_000; i += 1) relay.teach(put(`t${i}`));
  const subscription = relay.start();
  relay.teach(lift("t7")); // told or not by then
  relay.teach(put("new"));
  subscription.pump();
  await until("the whole", () => relay.copy().isWhole);
  relay.teach(lift("t8"));
  subscription.pump();
  expect(relay.copy().size).toBe(4_999);
  expect(["t7", "t8", "new", "t4999"].map(relay.stateOf)).toEqual(["active", "active", "revoked", "revoked"]);
  expect(relay.heard.filter((one) => one === "part").length).toBeGreaterThan(3);
});

test("an answer comes behind all that was learned before it, and its age counts from when the question came", () => {
  const relay = begin({ resumeAt: 1 });
  const subscription = relay.start();
  relay.teach(put("a"));
  relay.at(1_400, { monotonicMs: 1_150, wallMs: 1_150 });
  subscription.asked(3);
  expect(relay.heard.slice(1)).toEqual(["changes", expect.objectContaining({ type: "told", ask: 3, age_ms: 250 })]);
  relay.at(1_500, { monotonicMs: 1_600, wallMs: 1_600 }); // proved since the question came
  subscription.asked(4);
  expect(relay.heard.at(-1)).toMatchObject({ ask: 4, age_ms: 0 });
  relay.at(1_700, undefined);
  subscription.asked(5);
  expect(relay.heard.at(-1)).toMatchObject({ ask: 5, age_ms: null });
});

test("a question asked while the way is full is answered for when it came, not for when there was room", async () => {
  const relay = begin({ resumeAt: 1 });
  const subscription = relay.start();
  let take: (isTaken: boolean) => void = () => undefined;
  relay.hold(new Promise((resolve) => (take = resolve)));
  relay.teach(put("a"));
  subscription.pump();
  relay.hold(undefined);
  relay.at(2_000, { monotonicMs: 1_900, wallMs: 1_900 });
  subscription.asked(1);
  relay.at(9_000, { monotonicMs: 1_900, wallMs: 1_900 });
  take(true);
  await until("the answer", () => relay.heard.some((one) => (one as { type?: string }).type === "told"));
  expect(relay.heard.at(-1)).toMatchObject({ ask: 1, age_ms: 100 });
});

test("who takes nothing in time is cut, and so is who is left behind by the journal; nothing more is sent to them", async () => {
  const stuck = begin({ resumeAt: 1 });
  const subscription = stuck.start();
  stuck.hold(Promise.resolve(false));
  stuck.teach(put("a"));
  subscription.pump();
  await until("the cut", () => stuck.ended.length > 0);
  const heardCount = stuck.heard.length;
  stuck.teach(put("b"));
  subscription.pump();
  expect(stuck.heard.length).toBe(heardCount);

  const late = begin({ resumeAt: 1, maxBytes: 10_000 });
  for (let i = 0; i < 2_000; i += 1) late.teach(put(`t${i}`));
  late.start();
  expect(late.ended).toEqual(["too slow"]);
  expect(late.heard).toEqual([expect.objectContaining({ type: "hello" })]);
});

test("who waits for his turn hears how things stand, and nothing that he could take for everything", () => {
  const relay = begin({ mayBegin: false });
  relay.teach(put("a"));
  const subscription = relay.start();
  subscription.asked(1);
  expect(subscription.isWaiting).toBe(true);
  expect(relay.heard.slice(1)).toEqual([expect.objectContaining({ type: "told" })]);
  expect(relay.copy().isWhole).toBe(false);
});
