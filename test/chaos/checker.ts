// Proves the guarantee from a history, or says where it was broken (README, the guarantee; ADR 2, ADR 13). Pure: it was
// not there when it happened, and knows no fault by name.

import type { Call, Disturbance, History, Revocation, TokenFacts } from "./history.ts";

export interface Report {
  /** A sentence for each broken promise. */
  readonly violations: readonly string[];
  /** What happened, counted; nothing in here is a fault. */
  readonly counts: Readonly<Record<string, number>>;
}

/** A revoked answer may be used again for a second; a queue on a busy machine takes its time beside that. */
const REVOKED_REUSE_MS = 1_000;

/** Judges every call against every revocation that bears on it. */
export function check(history: History): Report {
  const violations: string[] = [];
  const counts: Record<string, number> = {};
  const count = (what: string, by = 1): void => void (counts[what] = (counts[what] ?? 0) + by);
  const bearing = indexOf(history.revocations);

  for (const revocation of history.revocations) {
    count(revocation.ackedAtMs === undefined ? "revocations not acknowledged" : "revocations acknowledged");
    if (isLiftLost(revocation, history.disturbances)) count("lifts lost that no receipt covers");
    if (!wasLost(revocation)) continue;
    if (mayBeLost(revocation, history.disturbances)) count("revocations lost that no receipt covers");
    else violations.push(`${nameOf(revocation)} was lost by the store`);
  }
  const seenRevoked = new Map<string, number>();
  for (const call of [...history.calls].toSorted((a, b) => a.beganAtMs - b.beganAtMs)) {
    const revocations = bearing(call.token);
    count(outcomeOf(call));
    if (call.decision === "allow") {
      const judged = judgeAllow(call, revocations, history, seenRevoked);
      if (judged === "excused") count("allows that the guarantee excludes");
      else if (judged !== undefined) violations.push(judged.violation);
    }
    const wrongly = judgeRevoked(call, revocations);
    if (wrongly !== undefined) violations.push(wrongly);
    if (call.reason === "revoked") noteSeen(seenRevoked, call);
  }
  violations.push(...shutOut(history, bearing));
  if (history.healedAtMs === undefined) violations.push("nothing answered again after the faults");
  return { violations, counts };
}

/** undefined: the promise was kept. */
type Judged = { readonly violation: string } | "excused" | undefined;

function judgeAllow(
  call: Call,
  revocations: readonly Revocation[],
  history: History,
  seenRevoked: ReadonlyMap<string, number>,
): Judged {
  const tier = history.tiers[call.tier];
  if (tier === undefined) return { violation: `${describe(call)} in a tier that nobody knows` };
  if (call.assurance === "fail-open") return judgeFailOpen(call, revocations, history, seenRevoked);
  const ignored = revocations.filter(
    (revocation) =>
      revocation.ackedAtMs !== undefined &&
      call.beganAtMs > revocation.ackedAtMs + tier.maxStalenessMs &&
      !mayBeLifted(revocation, call),
  );
  const broken = ignored.find((revocation) => !isExcluded(revocation, call, tier.maxStalenessMs, history));
  if (broken === undefined) return ignored.length > 0 ? "excused" : undefined;
  return {
    violation: `${describe(call)}, though ${nameOf(broken)} was acknowledged ${since(broken.ackedAtMs, call)} before`,
  };
}

/** What fail-open may add, exactly (docs/fail-policy.md): for so long after the last answer, and nobody seen revoked. */
function judgeFailOpen(
  call: Call,
  revocations: readonly Revocation[],
  history: History,
  seenRevoked: ReadonlyMap<string, number>,
): Judged {
  const failOpenForMs = history.tiers[call.tier]?.failOpenForMs ?? 0;
  if (failOpenForMs === 0) return { violation: `${describe(call)} in a tier without fail-open` };
  for (const { kind, fromMs, toMs } of history.disturbances) {
    if (kind === "store silenced" && call.beganAtMs - fromMs >= failOpenForMs && call.endedAtMs < toMs)
      return { violation: `${describe(call)}, ${since(fromMs, call)} into a silence of the store` };
  }
  const seenAtMs = seenRevoked.get(seenKey(call));
  const isLifted = revocations.some((revocation) => mayBeLifted(revocation, call));
  if (seenAtMs !== undefined && seenAtMs < call.beganAtMs && !isLifted)
    return {
      violation: `${describe(call)}, though that process had refused it as revoked ${since(seenAtMs, call)} before`,
    };
  return undefined;
}

/** Nobody is refused as revoked whom nobody has revoked. */
function judgeRevoked(call: Call, revocations: readonly Revocation[]): string | undefined {
  if (call.reason !== "revoked" || revocations.some(({ sentAtMs }) => sentAtMs < call.endedAtMs)) return undefined;
  return `${describe(call)}, and nobody had revoked it`;
}

/**
 * Once all is whole again the last word to everybody of whom nothing else is known, in every tier, is an allow. The last:
 * a store that answers too late for once is no fault, and while it does a lift cannot be known.
 */
function shutOut(
  { calls, tiers, disturbances, healedAtMs = Infinity }: History,
  bearing: (token: TokenFacts) => readonly Revocation[],
): string[] {
  const lastWords = new Map<string, Call>();
  for (const call of calls) if (call.beganAtMs > healedAtMs) lastWords.set(`${call.token.jti} ${call.tier}`, call);
  return [...lastWords.values()]
    .filter(({ decision, reason, token, tier, beganAtMs }) => {
      if (decision === "allow") return false;
      const settledMs = reason === "revoked" ? (tiers[tier]?.maxStalenessMs ?? 0) + REVOKED_REUSE_MS : 0;
      const isOver = (revocation: Revocation): boolean =>
        Math.max(revocation.liftAckedAtMs ?? Infinity, healedAtMs) + settledMs < beganAtMs &&
        !isLiftLost(revocation, disturbances);
      return bearing(token).every(isOver);
    })
    .map((call) => `${describe(call)}, though all was whole again`);
}

function wasLost(revocation: Revocation): boolean {
  return revocation.wasKept === false && revocation.ackedAtMs !== undefined && revocation.liftSentAtMs === undefined;
}

function mayBeLost({ ackedAtMs = 0, durability }: Revocation, disturbances: readonly Disturbance[]): boolean {
  return durability !== "replicated" && coversNoLoss(ackedAtMs, disturbances);
}

/** The marker is there again, or still: the token stays refused, which breaks no promise. A lift waits for no replica. */
function isLiftLost({ liftAckedAtMs, wasKept }: Revocation, disturbances: readonly Disturbance[]): boolean {
  return liftAckedAtMs !== undefined && wasKept === true && coversNoLoss(liftAckedAtMs, disturbances);
}

/**
 * The table of docs/redis-schema.md: an acknowledgement covers no loss where a server was struck after it, or had a
 * successor that it did not know of, and nobody remembers what to give back. Disturbances are noted where that may be so,
 * and nowhere else.
 */
function coversNoLoss(ackedAtMs: number, disturbances: readonly Disturbance[]): boolean {
  const isStruck = disturbances.some(({ kind, toMs }) => STRIKES.has(kind) && toMs >= ackedAtMs);
  const isForgotten = ({ kind, fromMs, toMs }: Disturbance): boolean =>
    kind === "planes forgot" && fromMs <= ackedAtMs && ackedAtMs <= toMs;
  return isStruck && disturbances.some(isForgotten);
}

const STRIKES: ReadonlySet<Disturbance["kind"]> = new Set(["store struck", "primary deposed"]);

function isExcluded(revocation: Revocation, call: Call, maxStalenessMs: number, history: History): boolean {
  const { disturbances } = history;
  const { ackedAtMs = Infinity } = revocation;
  if (wasLost(revocation) && mayBeLost(revocation, disturbances)) {
    const struck = disturbances.filter(({ kind, toMs }) => STRIKES.has(kind) && toMs >= ackedAtMs);
    return struck.some(({ fromMs }) => fromMs <= call.endedAtMs);
  }
  // A primary that was deposed and does not know it lacks what its successor has acknowledged.
  return disturbances.some(
    ({ kind, fromMs, toMs }) =>
      kind === "primary deposed" && ackedAtMs >= fromMs && call.beganAtMs <= toMs + maxStalenessMs,
  );
}

function mayBeLifted({ liftSentAtMs }: Revocation, call: Call): boolean {
  return liftSentAtMs !== undefined && liftSentAtMs < call.endedAtMs;
}

/** Finds what bears on a token without asking every revocation. */
function indexOf(revocations: readonly Revocation[]): (token: TokenFacts) => readonly Revocation[] {
  const byTarget = new Map<string, Revocation[]>();
  for (const revocation of revocations) {
    const target = `${revocation.kind} ${revocation.id}`;
    const there = byTarget.get(target);
    if (there === undefined) byTarget.set(target, [revocation]);
    else there.push(revocation);
  }
  return (token) =>
    [
      `token ${token.jti}`,
      `session ${token.sid}`,
      `user ${token.sub}`,
      `tenant ${token.tenant}`,
      `client ${token.clientId}`,
    ]
      .flatMap((target) => byTarget.get(target) ?? [])
      .filter(({ issuedBeforeS }) => token.iatS < (issuedBeforeS ?? Infinity));
}

function outcomeOf({ decision, tier, assurance, reason }: Call): string {
  if (decision === "none") return "calls without an answer";
  return decision === "allow" ? `${tier}: allowed ${assurance}` : `${tier}: refused ${reason}`;
}

const seenKey = ({ decidedBy, token }: Call): string => `${decidedBy} ${token.jti}`;

function noteSeen(seenRevoked: Map<string, number>, call: Call): void {
  const key = seenKey(call);
  seenRevoked.set(key, Math.min(call.endedAtMs, seenRevoked.get(key) ?? Infinity));
}

function describe({ token, tier, decision, assurance, reason, decidedBy, beganAtMs }: Call): string {
  const how = decision === "allow" ? `allow (${assurance})` : `${decision} (${reason})`;
  return `${how} of ${token.jti} in ${tier} by ${decidedBy} begun at ${beganAtMs.toFixed(0)} ms`;
}

const nameOf = ({ kind, id }: Revocation): string => `the revocation of ${kind} ${id}`;
const since = (thenMs: number | undefined, call: Call): string => `${(call.beganAtMs - (thenMs ?? 0)).toFixed(0)} ms`;
