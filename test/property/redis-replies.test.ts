// Whatever stands in Redis' place answers, over a real socket and to the real client: a look-up finds what a right reading
// finds, or is unknown with a cause; a replica learns from nothing else; and nothing ever throws. Replies that once did
// harm are kept in redis-corpus/ and tried first.
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Instant } from "../../src/core/clock.ts";
import { UNKNOWN_CAUSES, type Evidence } from "../../src/core/evidence.ts";
import type { Observer } from "../../src/core/observer.ts";
import type { TargetKind } from "../../src/core/target.ts";
import type { Result } from "../../src/core/result.ts";
import { createGuard } from "../../src/revocation/guard.ts";
import type { LookUpAnswer } from "../../src/revocation/look-up.ts";
import { readEntries, readHead, readLog } from "../../src/revocation/redis/feed-log.ts";
import { linkForOperations } from "../../src/revocation/redis/links.ts";
import type { Link } from "../../src/revocation/redis/link.ts";
import { fixedLocator } from "../../src/revocation/redis/locator.ts";
import type { Ask } from "../../src/revocation/redis/operation.ts";
import { createRedisReplicaSource } from "../../src/revocation/redis/replica-source.ts";
import { createRedisStore } from "../../src/revocation/redis/store.ts";
import { parseRedisUrl } from "../../src/revocation/redis/url.ts";
import type { StandingMarker, ReplicaSource } from "../../src/revocation/replica/source.ts";
import type { RevocationStore } from "../../src/revocation/revocation-store.ts";
import type { ListRefusal, StoreFault } from "../../src/revocation/store.ts";
import { subjectOf } from "../../src/revocation/subject.ts";
import { runs } from "../support/fuzz-time.ts";
import { standingUnder } from "../support/marker-value.ts";
import { oddly, oddReply, oddText } from "../support/odd-replies.ts";
import { principalOf } from "../support/principal.ts";
import { foundBefore } from "../support/redis-corpus.ts";
import { startRespServer, type Resp, type RespServer } from "../support/resp-server.ts";
import { until } from "../support/wait.ts";

const clock = { now: (): Instant => ({ monotonicMs: performance.now(), wallMs: Date.now() }) };
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const silent = new Proxy({}, { get: () => () => undefined }) as Observer;
const RUN_ID = "r1";

let odd: Resp;
/** Whether a command is the test's own, and not one of the connection's care for itself. */
let isAsked: (name: string, args: readonly string[]) => boolean;
let server: RespServer;
let store: RevocationStore;
let source: ReplicaSource;
let operations: Link;

beforeAll(async () => {
  isAsked = () => false;
  server = await startRespServer((name, args) => {
    if (isAsked(name, args)) return odd;
    if (name === "INFO") return `# Server\r\nrun_id:${RUN_ID}\r\n`;
    // The server is vouched for: what is asked along with a probe or alone stands last.
    if (name === "MGET") return [...args.slice(2).map(() => null), RUN_ID, "1"];
    return name === "SCAN" ? ["0", []] : undefined;
  });
  const place = { url: server.url, keyPrefix: "", clock, log: quiet };
  store = createRedisStore({ ...place, timeoutMs: 1_000, requireNoEviction: false });
  source = createRedisReplicaSource(place);
  const address = parseRedisUrl(server.url);
  if (!address.ok) throw new Error(address.error);
  operations = linkForOperations(fixedLocator(address.value), clock, "odd");
  await store.start();
  source.start(undefined);
  operations.start();
  await until("all to be connected", async () => {
    return store.health().reachable && operations.fault() === undefined && (await source.scan("0")).ok;
  });
});
afterAll(async () => {
  await Promise.all([store.stop(), source.stop(), operations.stop()]);
  await server.stop();
});
beforeEach(() => {
  isAsked = () => false;
});

/** A text as the client gives it; undefined: that is none. */
function textOf(told: Resp | undefined): string | null | undefined {
  if (typeof told === "string" || told === null) return told;
  if (typeof told !== "object" || Array.isArray(told)) return undefined;
  if ("status" in told) return told.status;
  return "raw" in told && told.raw === "*-1\r\n" ? null : undefined;
}

function textsOf(reply: Resp): readonly (string | null)[] | undefined {
  if (!Array.isArray(reply)) return undefined;
  const texts = (reply as readonly Resp[]).map(textOf);
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

/** As the client gives it: an integer without digits, which no Redis sends, is 0 to its parser. */
function numberOf(told: Resp | undefined): Resp | undefined {
  return typeof told === "object" && told !== null && "raw" in told && told.raw === ":\r\n" ? 0 : told;
}

/** So many, after those that once did harm. */
function tried(asked: Parameters<typeof foundBefore>[0], numRuns: number): fc.Parameters<[Resp]> {
  return { ...runs<[Resp]>(numRuns), examples: foundBefore(asked).map((reply): [Resp] => [reply]) };
}

function expectCause(fault: StoreFault): void {
  expect(UNKNOWN_CAUSES).toContain(fault.cause);
}

async function answered(keys: readonly string[], done: (answer: LookUpAnswer) => void): Promise<void> {
  const asOf = clock.now();
  const read = await store.read(keys, 1_000);
  done(read.ok ? { ok: true, asOf, values: read.value } : { ok: false, cause: read.error.cause });
}

test("a look-up is active only where the reply says so by the letter, and else revoked or unknown with a cause", async () => {
  const guard = createGuard({
    clock,
    observer: silent,
    lookUp: {
      lookUp: (keys, _deadlineAtMs, _span, done) => void answered(keys, done),
      lastAnswerAt: () => undefined,
    },
  });
  const tier = { name: "critical", rank: 0, maxStalenessMs: 0, failOpenForMs: 0 };
  let count = 0;
  const principal = principalOf({ tenant: "t", client: "c", expiresAtS: 1 });
  const keyCount = subjectOf(principal, "", "", 0).keys.length;
  const none = fc.constant(Array.from({ length: keyCount }, () => null));
  const found = fc.array(fc.oneof(fc.constant(null), oddText), { minLength: keyCount, maxLength: keyCount });
  const along = fc.oneof({ weight: 8, arbitrary: fc.constant([RUN_ID, "1"]) }, fc.tuple(oddText, oddText));
  const right = fc.tuple(fc.oneof(none, found), along).map(([values, judged]): Resp => [...values, ...judged]);
  await fc.assert(
    fc.asyncProperty(oddly(right), async (reply) => {
      odd = reply;
      count += 1;
      const subject = subjectOf(principal, "", `t${count}`, 0);
      isAsked = (name, args) => name === "MGET" && args[0] === subject.keys[0];
      const evidence = await new Promise<Evidence>((done) => {
        guard.judge(subject, tier, clock.now(), clock.now().monotonicMs + 2_000, undefined, done);
      });
      const texts = textsOf(reply);
      const values = texts?.length === keyCount + 2 ? texts.slice(0, keyCount) : undefined;
      const markers = values?.map((text, i) => [subject.kinds[i] as TargetKind, text] as const);
      if (markers === undefined) {
        expect(evidence.state).toBe("unknown");
      } else {
        const isVouched = texts?.[keyCount] === RUN_ID;
        const standing = standingUnder(markers, principal.issuedAtS).replace("unreadable", "unknown");
        // Of a server that nobody vouches for nothing is believed for a while.
        expect(isVouched ? [standing] : [standing, "unknown"]).toContain(evidence.state);
      }
      if (evidence.state === "unknown") expect(UNKNOWN_CAUSES).toContain(evidence.cause);
    }),
    tried("look-up", 700),
  );
});

test("bytes that are no RESP end the connection, and the look-up with a cause; the next one is asked on another", async () => {
  const raw = fc.oneof(
    fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 30 }),
    fc.constantFrom(
      "*2\r\n$1\r\n",
      "$-5\r\n",
      "*99999999999\r\n",
      "$999999999999\r\n1\r\n",
      "%1\r\n+a\r\n+b\r\n",
      "\0",
    ),
  );
  await fc.assert(
    fc.asyncProperty(raw, async (bytes) => {
      odd = { raw: `${bytes}\r\n` };
      isAsked = (name, args) => name === "MGET" && args[0] === "revoked:jti:main:odd";
      const read = await store.read(["revoked:jti:main:odd", "global:revoked_after"], 50);
      if (!read.ok) expectCause(read.error);
      else expect(read.value).toHaveLength(2);
      isAsked = () => false;
      await until("the next look-up to be answered", async () => (await store.read(["global:revoked_after"], 500)).ok);
    }),
    tried("bytes", 4),
  );
});

const KEYS = ["revoked:jti:main:a", "user:revoked_after:main:u"] as const;

test("a replica reads a moment whole by the letter, or not at all", async () => {
  isAsked = (name) => name.startsWith("EVAL");
  const head = fc.oneof(
    fc.constant([null, null, null]),
    fc.tuple(oddText, fc.oneof(fc.nat().map(String), oddText), oddText),
  );
  const marker = fc.oneof(
    fc.constant([null, null, 0]),
    fc.constant([null, null, 1]),
    fc.tuple(oddText, fc.oneof(fc.constant(null), fc.constant(1_760_000_000_000)), fc.constant(0)),
  );
  const judged = fc.constant([RUN_ID, null, 0, "1", null, 0]);
  const right = fc
    .tuple(head, fc.constantFrom(1, 1_760_000_000_000), judged, marker, marker)
    .map(([told, nowMs, along, ...markers]): Resp => [...told, nowMs, ...along, ...markers.flat()]);
  await fc.assert(
    fc.asyncProperty(oddly(right), async (reply) => {
      odd = reply;
      const moment = await source.read(KEYS);
      if (!moment.ok) return expectCause(moment.error);
      const told = reply as readonly Resp[];
      expect(told).toHaveLength(16);
      const { head: stands, storeNowMs, markers: found } = moment.value;
      expect(storeNowMs).toBe(numberOf(told[3]));
      const [epoch, seq, link] = told.slice(0, 3).map(textOf);
      expect([epoch, seq, link]).not.toContain(undefined);
      const isBegun = [epoch, seq, link].every((one) => one !== null);
      expect(stands).toEqual(isBegun ? { epoch, seq: Number(seq), link } : { epoch: "", seq: 0, link: "" });
      expect(isBegun ? seq : "0").toMatch(/^\d{1,15}$/);
      for (const [i, read] of found.entries()) {
        const [text, end, other] = told.slice(10 + i * 3, 13 + i * 3);
        const [value, isOther] = [textOf(text), numberOf(other)];
        const endsAt = textOf(end) === null ? undefined : numberOf(end);
        if (read === "of another type") expect([value, isOther]).toEqual([null, 1]);
        else if (read === "absent") expect([value, isOther]).toEqual([null, 0]);
        else expect([read.value, read.expiresAtMs, isOther]).toEqual([value, endsAt, 0]);
      }
    }),
    tried("moment", 700),
  );
});

/** An entry by the letter of docs/redis-schema.md: undefined where it is not whole. */
function writtenEntry(entry: Resp): Readonly<Record<string, string>> | undefined {
  const [id, fields] = entry as readonly [Resp, Resp];
  const texts = textsOf(fields)?.map((text) => text ?? "") ?? [];
  const names = texts.filter((_, i) => i % 2 === 0);
  if (names.length !== new Set(names).size || texts.length % 2 !== 0) return undefined;
  const told = Object.fromEntries(names.map((name, i) => [name, texts[i * 2 + 1] ?? ""]));
  const whole = ["epoch", "link", "prev", "op", "key", "value", "till"].every((name) => Object.hasOwn(told, name));
  const isKnown = told["op"] === "put" || told["op"] === "lift";
  const isNamed = told["epoch"] !== "" && told["link"] !== "" && told["key"] !== "";
  if (!whole || !isKnown || !isNamed || !/^\d{0,16}$/.test(told["till"] ?? "")) return undefined;
  return { ...told, seq: (textOf(id) ?? "").split("-")[0] ?? "" };
}

const field = fc.constantFrom("epoch", "link", "prev", "op", "key", "value", "till", "name", "wait", "x");
const fields = fc
  .tuple(
    fc.constantFrom("put", "lift", "put", "PUT", ""),
    fc.constantFrom(...KEYS, "other", ""),
    fc.constantFrom("", "1760000000000", "-1", "1e3", "soon"),
    oddText,
  )
  .map(([op, key, till, value]) => {
    const told = { epoch: "e", link: "l2", prev: "l1", op, key, value, till, name: "n", wait: "1" };
    return Object.entries(told).flat();
  });
const oddFields = fc.oneof(
  { weight: 4, arbitrary: fields },
  // Some are missing, or twice.
  fc
    .tuple(fields, fc.nat(8), field, oddText)
    .map(([all, at, name, value]) => [...all.toSpliced(at * 2, 2), name, value]),
  fc.array(oddText, { maxLength: 4 }),
);
const entry = fc.tuple(fc.constantFrom("7-0", "8-0", "1760000000000-3", "x", "-", "9007199254740993-0"), oddFields);
const entries = fc.array(entry, { maxLength: 4 });

test("a replica follows on no entry that is not whole, least of all as on a lift", async () => {
  isAsked = (name) => name === "XREAD";
  const right = fc.oneof(
    fc.constant(null),
    entries.map((list): Resp => [["portcullis:feed:log", list]]),
  );
  await fc.assert(
    fc.asyncProperty(oddly(right), async (reply) => {
      odd = reply;
      const read = await source.entriesAfter(6);
      if (!read.ok) return expectCause(read.error);
      if (textOf(reply) === null) {
        expect(read.value).toEqual([]);
        return;
      }
      const written = (reply as [[Resp, Resp[]]])[0][1];
      expect(read.value).toHaveLength(written.length);
      for (const [i, found] of read.value.entries()) {
        const told = writtenEntry(written[i] ?? null);
        // No epoch is "": nothing is applied, and everything read anew.
        if (told === undefined) expect(found.epoch).toBe("");
        else if (found.epoch !== "") expectApplied(found.marker, told);
      }
    }),
    tried("entries", 700),
  );
});

function expectApplied(marker: StandingMarker | undefined, told: Readonly<Record<string, string>>): void {
  const isMarker = KEYS.some((key) => key === told["key"]);
  expect(marker === undefined).toBe(told["op"] === "lift" || !isMarker);
  if (marker === undefined) return;
  expect(marker.value).toBe(told["value"]);
  expect(marker.expiresAtMs ?? "").toBe(told["till"] === "" ? "" : Number(told["till"]));
}

test("a step of a scan goes on with a cursor and names keys, or it has failed", async () => {
  isAsked = (name) => name === "SCAN";
  const right = fc
    .tuple(fc.constantFrom("0", "17"), fc.array(fc.oneof(fc.constantFrom(...KEYS), oddText)))
    .map((told): Resp => told);
  await fc.assert(
    fc.asyncProperty(oddly(right), async (reply) => {
      odd = reply;
      const step = await source.scan("0");
      if (!step.ok) return expectCause(step.error);
      const [next, found] = reply as readonly [Resp, Resp];
      expect(step.value.next).toBe(textOf(next));
      expect(step.value.next).toMatch(/^\d{1,20}$/);
      const texts = textsOf(found) ?? [];
      expect(step.value.keys).toEqual(texts.filter((text) => KEYS.some((key) => key === text)));
    }),
    tried("scan", 400),
  );
});

test("a control plane reads its feed whole, or says why not, and remembers no entry as a lift that is none", async () => {
  const ask: Ask = (command, ...args) => operations.send(command, args, 1_000);
  isAsked = (name) => ["HMGET", "XREAD", "XRANGE"].includes(name);
  const list = entries.map((all): Resp => all);
  const stream = entries.map((all): Resp => [["portcullis:feed:log", all]]);
  const head = fc.tuple(oddText, fc.oneof(fc.nat().map(String), oddText), oddText).map((told): Resp => told);
  const readers: readonly [fc.Arbitrary<Resp>, () => Promise<Result<unknown, ListRefusal>>][] = [
    [head, () => readHead(ask, "")],
    [list, () => readLog(ask, "", 0, ({ link }) => link)],
    [stream, () => store.eventsAfter(6, 0)],
    [stream, () => readEntries(ask, "", 6, 0)],
    [oddReply, () => store.list({ kind: "everything", issuer: undefined, id: undefined, limit: 5, cursor: undefined })],
  ];
  for (const [right, read] of readers) {
    await fc.assert(
      fc.asyncProperty(oddly(right), async (reply) => {
        odd = reply;
        const found = await read();
        if (!found.ok) expectCause(found.error as StoreFault);
      }),
      tried("links", 120),
    );
  }
  await fc.assert(
    fc.asyncProperty(stream, async (reply) => {
      odd = reply;
      const read = await readEntries(ask, "", 6, 0);
      if (!read.ok || textOf(reply) === null) return;
      const written = (reply as [[Resp, Resp[]]])[0][1];
      const lifts = read.value.filter(({ op }) => op === "lift");
      expect(lifts).toHaveLength(written.filter((one) => writtenEntry(one)?.["op"] === "lift").length);
    }),
    tried("entries", 200),
  );
});
