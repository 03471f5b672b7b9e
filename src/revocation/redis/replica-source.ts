// Feeds a replica from one Redis: its head and markers in one moment, its log by a cursor of the reader's own, its keys
// by scan. It only reads, and keeps nothing.

import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { FeedEntry, Moment, ReplicaSource, StandingMarker } from "../replica/source.ts";
import type { TargetKind } from "../../core/target.ts";
import type { StoreFault } from "../store.ts";
import type { Reply } from "./connection.ts";
import { fault, ofCommand } from "./fault.ts";
import { entriesOfStream, type LogEntry } from "./feed-entries.ts";
import { headOf } from "./feed-log.ts";
import type { KeptEntry } from "./kept-feed.ts";
import { createLink } from "./link.ts";
import { MetServer } from "./met-server.ts";
import { scanPattern, targetOfKey } from "../marker-keys.ts";
import { scanStepOf } from "./scan-step.ts";
import { feedHeadKey, feedLogKey } from "./own-keys.ts";
import { startPush, type Push } from "./push.ts";
import { READ_MOMENT } from "./scripts.ts";
import { parsePlace } from "./place.ts";
import { locatorOf } from "./primary.ts";

export interface RedisReplicaSourceOptions {
  /** As the store's. */
  readonly url: string;
  readonly keyPrefix: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of one question; nobody's call waits for it. */
const ANSWER_TIMEOUT_MS = 1_000;

/** The log is waited on for so long, shorter than the proofs of the role that stand behind it in the connection. */
const WAIT_FOR_ENTRIES_MS = 400;

/** Entries in one answer, which are read in one turn of the event loop: some 1.5 ms. */
const MAX_ENTRIES = 128;

const SILENCE_MS = 1_500;
const MAX_UNANSWERED = 64;

/** Keys that one SCAN walks: about 0.2 ms of Redis' time, so that nobody waits for long behind it. */
const SCAN_COUNT = 250;

const EVERY_MARKER = { kind: undefined, issuer: undefined, id: undefined, limit: 0, cursor: undefined };

/** Throws a RangeError for a URL that parsePlace refuses: the configuration has been checked before. */
export function createRedisReplicaSource({ url, keyPrefix, clock, log }: RedisReplicaSourceOptions): ReplicaSource {
  const parsed = parsePlace(url);
  if (!parsed.ok) throw new RangeError(`store URL: ${parsed.error}`);
  const place = parsed.value;
  if (place.kind === "cluster") throw new RangeError("store URL: a Cluster feeds no replica");
  const locator = locatorOf(place, clock);
  let connection = 0;
  let push: Push | undefined;
  const common = { locator, clock, silenceMs: SILENCE_MS, maxUnanswered: MAX_UNANSWERED };
  const met = new MetServer({ keyPrefix, clock, log });
  const reads = createLink({
    ...common,
    name: "portcullis-replica",
    onProve(isFirst) {
      if (isFirst) connection += 1;
      void met.meet(reads, isFirst);
    },
  });
  const feed = createLink({ ...common, name: "portcullis-feed", onProve() {} });
  const pattern = scanPattern(keyPrefix, EVERY_MARKER);
  /** Redis 7 lets a user that may only read run it; before, there is EVAL alone. */
  let evaluate: "EVAL_RO" | "EVAL" = "EVAL_RO";

  async function read(keys: readonly string[]): Promise<Result<Moment, StoreFault>> {
    const along = met.keys();
    if (!along.ok) return err(reads.fault() ?? along.error);
    const asked = [...along.value, ...keys];
    const askedAtMs = clock.now().monotonicMs;
    const reply = await readMoment(asked);
    if (!reply.ok) return err(ofCommand(evaluate, reply.error));
    const moment = momentOf(keyPrefix, asked, reply.value);
    if (!moment.ok) return moment;
    const judged = met.judge(valuesIn(reply.value, along.value.length), askedAtMs);
    return judged.ok ? ok({ ...moment.value, markers: moment.value.markers.slice(along.value.length) }) : judged;
  }

  async function readMoment(keys: readonly string[]): Promise<Reply> {
    const args = [READ_MOMENT, keys.length + 1, feedHeadKey(keyPrefix), ...keys];
    const reply = await reads.send(evaluate, args, ANSWER_TIMEOUT_MS);
    if (reply.ok || reply.error.cause !== "protocol" || evaluate === "EVAL") return reply;
    const again = await reads.send("EVAL", args, ANSWER_TIMEOUT_MS);
    if (again.ok) evaluate = "EVAL";
    return again;
  }

  return {
    start(listener) {
      locator.start();
      reads.start();
      feed.start();
      if (listener !== undefined) push = startPush({ locator, clock, keyPrefix, listener });
    },
    async stop() {
      await Promise.all([reads.stop(), feed.stop(), push?.stop(), locator.stop()]);
    },
    read,
    async entriesAfter(seq) {
      const block = ["COUNT", MAX_ENTRIES, "BLOCK", WAIT_FOR_ENTRIES_MS];
      const args = [...block, "STREAMS", feedLogKey(keyPrefix), `${seq}-0`];
      const reply = await feed.send("XREAD", args, WAIT_FOR_ENTRIES_MS + ANSWER_TIMEOUT_MS);
      const entries = reply.ok ? entriesOfStream(reply.value) : err(ofCommand("XREAD", reply.error));
      return entries.ok ? ok(entries.value.map((entry) => entryOf(keyPrefix, entry))) : entries;
    },
    async scan(cursor) {
      const before = connection;
      const reply: Reply = await reads.send("SCAN", [cursor, "MATCH", pattern, "COUNT", SCAN_COUNT], ANSWER_TIMEOUT_MS);
      if (!reply.ok) return err(ofCommand("SCAN", reply.error));
      const step = scanStepOf(reply.value);
      if (!step.ok) return step;
      const keys = step.value.keys.filter((key) => targetOfKey(keyPrefix, key) !== undefined);
      return ok({ next: step.value.next, keys, connection: before });
    },
    provePush: () => push?.prove() ?? Promise.resolve(false),
  };
}

/** What stands before the markers in the script's answer, and how much of it belongs to each. */
const HEAD_MEMBERS = 4;
const MARKER_MEMBERS = 3;

function momentOf(keyPrefix: string, keys: readonly string[], reply: unknown): Result<Moment, StoreFault> {
  if (!Array.isArray(reply) || reply.length !== HEAD_MEMBERS + keys.length * MARKER_MEMBERS) return unexpected();
  const told = reply as readonly unknown[];
  const head = headOf(told.slice(0, 3));
  const storeNowMs = told[3];
  if (!head.ok || !isEpochMs(storeNowMs)) return unexpected();
  const markers: Moment["markers"][number][] = [];
  for (const [i, key] of keys.entries()) {
    const at = HEAD_MEMBERS + i * MARKER_MEMBERS;
    const marker = markerIn(targetOfKey(keyPrefix, key)?.kind, told.slice(at, at + MARKER_MEMBERS));
    if (marker === undefined) return unexpected();
    markers.push(marker);
  }
  return ok({ head: head.value, storeNowMs, markers });
}

/** Undefined: the script answers nothing of the kind. `kind` undefined: the key is no marker's. */
function markerIn(
  kind: TargetKind | undefined,
  [value, expiresAtMs, isOfAnotherType]: readonly unknown[],
): Moment["markers"][number] | undefined {
  if (isOfAnotherType === 1 && value === null) return "of another type";
  if (isOfAnotherType !== 0 || (expiresAtMs !== null && !isEpochMs(expiresAtMs))) return undefined;
  if (value === null) return "absent";
  if (typeof value !== "string") return undefined;
  return kind === undefined ? "absent" : { kind, value, expiresAtMs: expiresAtMs ?? undefined };
}

function isEpochMs(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The values of the first `count` keys. */
function valuesIn(reply: unknown, count: number): readonly (string | null)[] {
  return Array.from({ length: count }, (_, i) => {
    const value = (reply as readonly unknown[])[HEAD_MEMBERS + i * MARKER_MEMBERS];
    return typeof value === "string" ? value : null;
  });
}

/** What cannot be read follows on nothing: whoever comes to it begins anew, behind it. */
const FOLLOWS_ON_NOTHING = { epoch: "", seq: 0, link: "", previousLink: "", key: "", marker: undefined };

function entryOf(keyPrefix: string, entry: LogEntry): FeedEntry {
  if (entry.op === "damaged") return { ...FOLLOWS_ON_NOTHING, isAwaited: false };
  const { epoch, seq, link, previousLink, key } = entry;
  const marker = entry.op === "put" ? markerOf(keyPrefix, entry) : undefined;
  return { epoch, seq, link, previousLink, key, marker, isAwaited: entry.wait === "1" };
}

function markerOf(keyPrefix: string, { key, value, till }: KeptEntry): StandingMarker | undefined {
  const kind = targetOfKey(keyPrefix, key)?.kind;
  return kind === undefined ? undefined : { kind, value, expiresAtMs: till === "" ? undefined : Number(till) };
}

function unexpected(): { readonly ok: false; readonly error: StoreFault } {
  return err(fault("protocol", "the feed answered in an unknown shape"));
}
