// Plays one seed: tokens are checked in all tiers while revocations, lifts, outages, pauses, suspends, clock steps and
// restarts happen. Deterministic for a seed and a count of checks.

import type { Tier } from "../../src/core/tier.ts";
import { subjectOf, type RevocationSubject } from "../../src/revocation/subject.ts";
import { markerKey } from "../../src/revocation/keys.ts";
import type { Target } from "../../src/core/target.ts";
import { isWatermarkKind, TARGET_KINDS } from "../../src/core/target.ts";
import { createTokenMemory } from "../../src/core/token-memory.ts";
import { principalOf } from "../support/principal.ts";
import { createHistory, type Ban, type SimToken } from "./history.ts";
import { createFeedModel, writeByHand, writeThroughFeed } from "./feed-model.ts";
import { startKeeper, type Keeper } from "./keeper-model.ts";
import { CHECK_DEADLINE_MS, startSidecar, type Code, type ReplicaMode, type Sidecar } from "./sidecar.ts";
import type { StoreMode, StoreModel } from "./store-model.ts";
import { createWorld, type World } from "./world.ts";

const TIERS: readonly Tier[] = [
  { name: "critical", rank: 0, maxStalenessMs: 0, failOpenForMs: 0 },
  { name: "brisk", rank: 1, maxStalenessMs: 200, failOpenForMs: 0 },
  { name: "standard", rank: 2, maxStalenessMs: 2_000, failOpenForMs: 0 },
  { name: "low", rank: 3, maxStalenessMs: 5_000, failOpenForMs: 8_000 },
  { name: "grace", rank: 4, maxStalenessMs: 0, failOpenForMs: 1_500 },
];

/** After a fault ends, this long passes before a refusal counts as unjustified: the breaker's opening and its window. */
const CALM_AFTER_MS = 6_000;

interface Live {
  readonly token: SimToken;
  readonly principal: ReturnType<typeof principalOf>;
  subject: RevocationSubject;
}

export interface Report {
  readonly checks: number;
  /** Of verdicts by assurance or reason: a run that never failed open would prove little. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly violation: string | undefined;
}

export async function play(seed: number, checkCount: number, code: Code): Promise<Report> {
  const world = createWorld(seed);
  const { random } = world;
  const store: StoreModel = {
    values: new Map(),
    mode: { kind: "up", delayMs: 2, lossProbability: 0 },
    server: "server-0",
    connection: 0,
    vouchedFor: null,
    signedUntilMs: -Infinity,
    feed: createFeedModel(),
  };
  const replicaMode = random.pick<ReplicaMode>(["none", "feed only", "direct writers too", "direct writers too"]);
  /** A control plane that remembers: what a failover loses it gives back, but what went past it. */
  const keeperRuns = replicaMode !== "direct writers too" && random.chance(0.6);
  const keeper = keeperRuns ? startKeeper(world, store) : undefined;
  const history = createHistory();
  const outcomes: Record<string, number> = {};
  let sidecar: Sidecar = startSidecar(world, store, code, replicaMode);
  let lastFaultMs = -Infinity;
  let lastStoreFaultMs = -Infinity;
  let checks = 0;
  let violation: string | undefined;
  let tokenCount = 0;

  const newToken = (): Live => {
    const n = tokenCount++;
    const principal = principalOf({
      issuerId: random.pick(["a", "b"]),
      tokenId: `t${n}`,
      session: `s${n >> 1}`,
      subject: `u${random.integer(4)}`,
      tenant: `org${random.integer(2)}`,
      client: `app${random.integer(2)}`,
      keyId: `k${random.integer(3)}`,
      issuedAtS: issuerNowS(world) - random.integer(20),
      expiresAtS: issuerNowS(world) + 3_600,
    });
    const subject = subjectOf(principal, "", `token-${n}`, 30_000);
    const token = { identity: subject.identity, keys: subject.keys, issuedAtS: principal.issuedAtS };
    return {
      principal,
      subject,
      token: { ...token, revokedAsOf: undefined, activeAsOf: -Infinity, firstUnansweredMs: undefined },
    };
  };
  const tokens = Array.from({ length: 16 }, newToken);

  function check(): void {
    const live = random.pick(tokens);
    if (random.chance(0.05)) live.subject = { ...live.subject, memory: createTokenMemory() }; // its cache entry was evicted
    const { token, subject, principal } = live;
    const tier = random.pick(TIERS);
    const beganAt = world.clock.now();
    const beganMs = world.trueMs();
    const process = sidecar;
    process.guard.judge(subject, tier, beganAt, beganAt.monotonicMs + CHECK_DEADLINE_MS, undefined, (evidence) => {
      if (!process.alive) return;
      const now = world.clock.now();
      const verdict = code.decide({
        principal,
        possession: undefined,
        evidence,
        tier,
        requiredScopes: [],
        beganAt,
        now,
      });
      const outcome = verdict.kind === "allow" ? verdict.assurance : verdict.reason;
      for (const name of evidence.state !== "unknown" && evidence.source === "replica"
        ? [outcome, nameInReplica(outcome)]
        : [outcome]) {
        outcomes[name] = (outcomes[name] ?? 0) + 1;
      }
      checks += 1;
      violation ??= history.judge({
        token,
        tier,
        beganMs,
        endedMs: world.trueMs(),
        verdict,
        asOf: evidence.state === "unknown" ? undefined : evidence.asOf.monotonicMs,
        isFresh: evidence.state !== "unknown" && evidence.source !== "recent",
        lastAnsweredQuestionMs: process.wire.lastAnsweredQuestionMs,
        calm: lastFaultMs + CALM_AFTER_MS < beganMs,
        storeIsFine: lastStoreFaultMs + CALM_AFTER_MS < beganMs,
      });
    });
  }

  function traffic(): void {
    const burst = random.chance(0.02) ? 40 : 1 + random.integer(4);
    for (let i = 0; i < burst; i++) check();
    world.inside(random.between(0, 20), "socket", traffic);
  }

  function fault(durationMs: number): void {
    lastFaultMs = Math.max(lastFaultMs, world.trueMs() + durationMs);
  }

  function weather(): void {
    const mode = random.pick<StoreMode>([
      { kind: "refusing", cause: random.pick(["connection_refused", "loading", "not_primary", "locked"]) },
      { kind: "silent" },
      { kind: "up", delayMs: 40, lossProbability: 0.1 },
      { kind: "up", delayMs: 2, lossProbability: 0.4 },
    ]);
    const durationMs = random.chance(0.5) ? random.between(5, 500) : random.between(500, 14_000);
    store.mode = mode;
    fault(durationMs);
    lastStoreFaultMs = world.trueMs() + durationMs;
    world.outside(durationMs, () => {
      store.mode = { kind: "up", delayMs: random.pick([0.5, 2, 10]), lossProbability: 0 };
      store.connection += 1;
      world.outside(random.between(200, 20_000), weather);
    });
  }

  // Two clocks tell a suspend or a set-back clock; a suspend that a set-back clock hides within one staleness, neither
  // does. So a world has one or the other.
  const suspends = random.chance(0.5);
  function clockTrouble(): void {
    const durationMs = random.between(10, 8_000);
    fault(durationMs);
    if (random.chance(0.4)) world.pauseFor(durationMs);
    else if (suspends) world.suspendFor(durationMs);
    else world.stepWallClock(random.between(-20_000, 20_000));
    world.outside(durationMs + random.between(1_000, 20_000), clockTrouble);
  }

  /** A collection, a throttled container, a burst of work: too short to be trouble, long enough to miss deadlines. */
  function hiccup(): void {
    fault(0);
    world.pauseFor(random.between(20, 400));
    world.outside(random.between(400, 1_500), hiccup);
  }

  function restart(): void {
    fault(0);
    sidecar.kill();
    sidecar = startSidecar(world, store, code, replicaMode);
    for (const live of tokens) {
      live.subject = { ...live.subject, memory: createTokenMemory(), fingerprints: undefined };
      live.token.revokedAsOf = undefined;
      live.token.activeAsOf = -Infinity;
      live.token.firstUnansweredMs = undefined;
    }
    world.outside(random.between(5_000, 60_000), restart);
  }

  function issue(): void {
    tokens[random.integer(tokens.length)] = newToken();
    world.outside(random.between(50, 500), issue);
  }

  const targetOf = (live: Live): Target => {
    const { principal } = live;
    const issuer = principal.issuerId;
    // Narrow kinds mostly: were everything revoked all the time, nothing would ever be allowed wrongly.
    const kind = random.chance(0.85) ? random.pick(["token", "session"] as const) : random.pick(TARGET_KINDS);
    switch (kind) {
      case "token":
        return { kind, issuer, id: principal.tokenId as string };
      case "session":
        return { kind, issuer, id: principal.session as string };
      case "key":
        return { kind, issuer, id: principal.keyId as string };
      case "user":
        return { kind, issuer, id: principal.subject as string };
      case "tenant":
        return { kind, issuer, id: principal.tenant as string };
      case "client":
        return { kind, issuer, id: principal.client as string };
      case "issuer":
        return { kind, issuer };
      case "everything":
        return { kind };
    }
  };

  type Write = (key: string, value: string | undefined) => void;
  const throughFeed: Write = (key, value) => writeThroughFeed(store, random, key, value);
  const byHand: Write = (key, value) => {
    // In one turn of the store with a write of ours, now and then: the push tells of both at once, the feed of one.
    if (random.chance(0.3)) throughFeed(key, value === undefined ? "1" : undefined);
    writeByHand(store, key, value);
  };

  function feedTrouble(): void {
    world.outside(random.between(1_000, 15_000), feedTrouble);
    const { feed } = store;
    if (keeper !== undefined) return failOver(keeper);
    const kind = random.integer(6);
    if (kind === 0) feed.log = []; // trimmed, or deleted
    else if (kind === 1) feed.log = feed.log.slice(-2);
    else if (kind === 2) feed.head = { epoch: "", seq: 0, link: "" }; // deleted, and soon begun anew
    else if (kind === 3) feed.connection += 1; // restarted, nothing lost
    else rollBackTo(takeSnapshot());
  }

  /** To a replica without the newest writes. All that was acknowledged stays promised. */
  function failOver(replays: Keeper): void {
    const lose = replays.replicate();
    world.outside(random.between(10, 3_000), () => {
      noteLoss();
      lose(() => noteLoss());
    });
  }

  function noteLoss(): void {
    fault(3_000);
    lastStoreFaultMs = Math.max(lastStoreFaultMs, world.trueMs());
    if (keeper?.isReplaying() === true) world.outside(100, noteLoss);
  }

  /** Values and feed as they are now, and what they forbid. */
  function takeSnapshot(): () => void {
    const values = new Map(store.values);
    const { head, log } = store.feed;
    const entries = [...log];
    const standing = [...values.keys()].flatMap((key) => history.standing(key));
    return () => {
      const nowMs = world.trueMs();
      for (const key of store.values.keys()) history.endAll(key, nowMs);
      store.values.clear();
      for (const [key, value] of values) store.values.set(key, value);
      store.feed.head = head;
      store.feed.log = entries;
      store.feed.connection += 1;
      for (const tell of store.feed.listeners) tell(null);
      for (const ban of standing) history.add({ ...ban, appliedMs: nowMs, ackMs: Infinity, endedMs: Infinity });
    };
  }

  /** The store is restarted from an older file: what it lost is nobody's promise any more. */
  function rollBackTo(restore: () => void): void {
    world.outside(random.between(100, 4_000), () => {
      fault(3_000); // until the next whole scan, what was lost may still be refused
      const { seq } = store.feed.head;
      restore();
      // Written again at once, up to the same seq or beyond.
      const again = seq - store.feed.head.seq + random.integer(2);
      if (random.chance(0.5)) for (let i = 0; i < again; i += 1) revokeTarget(targetOf(random.pick(tokens)));
    });
  }

  function revoke(): void {
    world.outside(random.between(50, 1_500), revoke);
    revokeTarget(targetOf(random.pick(tokens)));
  }

  function revokeTarget(target: Target): void {
    const key = markerKey("", target);
    const wantedS = issuerNowS(world) + 1;
    world.outside(random.between(0, 5), () => {
      if (store.mode.kind !== "up" || keeper?.isReplaying() === true) return; // not acknowledged, and nothing happened
      const write = replicaMode === "direct writers too" && random.chance(0.5) ? byHand : throughFeed;
      const unreadable = isWatermarkKind(target.kind) && random.chance(0.03);
      const ban = writeBan(store, write, key, target, wantedS, unreadable, world.trueMs());
      if (ban.overwrites) history.endAll(key, world.trueMs());
      history.add(ban.ban);
      // The acknowledgement may get lost, and then nothing was promised.
      if (random.chance(0.95)) world.outside(random.between(0, 5), () => void (ban.ban.ackMs = world.trueMs()));
      if (random.chance(0.8)) world.outside(random.between(500, 9_000), () => lift(key, target));
    });
  }

  function lift(key: string, target: Target): void {
    if (store.mode.kind !== "up" || keeper?.isReplaying() === true) return world.outside(500, () => lift(key, target));
    const write = replicaMode === "direct writers too" && random.chance(0.5) ? byHand : throughFeed;
    write(key, undefined);
    history.endAll(key, world.trueMs());
    // Again at once, now and then: what is then heard late must not undo what was heard before it.
    if (random.chance(0.4)) world.outside(random.between(0, 400), () => revokeTarget(target));
  }

  traffic();
  revoke();
  issue();
  world.outside(random.between(2_000, 9_000), weather);
  world.outside(random.between(1_000, 9_000), feedTrouble);
  world.outside(random.between(2_000, 9_000), clockTrouble);
  world.outside(random.between(10_000, 60_000), restart);
  if (random.chance(0.4)) hiccup();
  await world.run(() => checks >= checkCount || violation !== undefined);
  return { checks, outcomes, violation };
}

function nameInReplica(outcome: string): string {
  return outcome === "revoked" ? "revoked by replica" : "replica";
}

/** By the issuer's clock, which nobody steps. */
function issuerNowS(world: World): number {
  return 1_750_000_000 + Math.floor(world.trueMs() / 1_000);
}

function writeBan(
  store: StoreModel,
  write: (key: string, value: string) => void,
  key: string,
  target: Target,
  wantedS: number,
  unreadable: boolean,
  appliedMs: number,
): { readonly ban: Ban; readonly overwrites: boolean } {
  const before = store.values.get(key);
  const beforeS = before === undefined ? -Infinity : Number(before);
  const garbageStood = Number.isNaN(beforeS);
  const watermark = isWatermarkKind(target.kind);
  const issuedBeforeS = garbageStood ? wantedS : Math.max(beforeS, wantedS);
  write(key, unreadable ? "not a number" : watermark ? String(issuedBeforeS) : "1");
  const reach = watermark && !unreadable ? issuedBeforeS : Infinity;
  const ban: Ban = {
    key,
    kind: target.kind,
    issuedBeforeS: reach,
    unreadable,
    appliedMs,
    ackMs: Infinity,
    endedMs: Infinity,
  };
  return { ban, overwrites: garbageStood && watermark && !unreadable };
}
