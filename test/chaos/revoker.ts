// Revokes, lifts and revokes in batches through the control planes, and notes when each was acknowledged: the recorder of
// promises.

import { randomUUID } from "node:crypto";
import { markerKey } from "../../src/revocation/keys.ts";
import type { Random } from "../support/random.ts";
import type { Fleet } from "./fleet.ts";
import type { Revocation } from "./history.ts";
import type { Member } from "./member.ts";
import type { RunToken, TokenPool } from "./tokens.ts";
import type { World } from "./worlds/world.ts";

export interface Revoker {
  readonly revocations: readonly Revocation[];
  /** Revokes, lifts and batches until told to stop. */
  begin(random: Random): void;
  stop(): Promise<void>;
  /** A batch of `count` through one plane, to its end or until the connection breaks. `onAnswered` hears each line. */
  batch(plane: Member, count: number, onAnswered?: (answeredCount: number) => void): Promise<void>;
}

const PATIENCE_MS = 2_500;
const PAUSE_MS = 120;
const ATTEMPTS = 3;
const BATCH_LINES = 15;
const KINDS = ["token", "session", "user", "tenant", "client"] as const;

interface Answer {
  readonly line?: number;
  readonly id?: string;
  readonly issued_before?: number;
  readonly receipt?: { readonly durability: "stored" | "replicated" };
}

export function createRevoker(fleet: Fleet, world: World, pool: TokenPool): Revoker {
  const revocations: Revocation[] = [];
  const atWork: Promise<void>[] = [];
  const stopping = new AbortController();

  const headers = { authorization: `Bearer ${fleet.adminToken}`, "content-type": "application/json" };
  const send = (plane: Member, method: string, path: string, more: RequestInit): Promise<Response> =>
    fetch(`${plane.current().controlUrl}${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...more,
    });

  function begun(token: RunToken, kind: (typeof KINDS)[number]): Revocation & { readonly id: string } {
    const { jti, sid, sub, tenant, clientId } = token.facts;
    const id = { token: jti, session: sid, user: sub, tenant, client: clientId }[kind];
    const key = markerKey("", { kind, issuer: "main", id });
    const revocation: Revocation = { kind, id, key, sentAtMs: performance.now() };
    revocations.push(revocation);
    pool.watch(token);
    return revocation;
  }

  async function revokeOne(token: RunToken, random: Random): Promise<void> {
    const kind = random.pick(KINDS);
    const isByHand = world.setByHand !== undefined && (kind === "token" || kind === "session") && random.chance(0.15);
    const revocation = begun(token, kind);
    if (isByHand) {
      await world.setByHand?.(revocation.key);
      Object.assign(revocation, { ackedAtMs: performance.now(), durability: "by hand" });
      return;
    }
    const body = JSON.stringify({
      target: { kind, id: revocation.id },
      reason: "chaos",
      wait: random.chance(0.3) ? "replicated" : "stored",
    });
    const idempotencyKey = randomUUID();
    for (let attempt = 0; attempt < ATTEMPTS && !stopping.signal.aborted; attempt += 1) {
      const answer = await tell(random.pick(fleet.planes), body, idempotencyKey);
      if (answer === undefined) continue;
      note(revocation, answer);
      // What may have been begun twice is not lifted: only the first attempt's end is known for sure.
      if (attempt === 0 && random.chance(0.25)) await lift(random, revocation, answer.id ?? "");
      return;
    }
  }

  async function tell(plane: Member, body: string, idempotencyKey: string): Promise<Answer | undefined> {
    try {
      const more = { body, headers: { ...headers, "idempotency-key": idempotencyKey } };
      const response = await send(plane, "POST", "/v1/revocations", more);
      const text = await response.text();
      return response.status === 201 ? (JSON.parse(text) as Answer) : undefined;
    } catch {
      return undefined; // it may have happened
    }
  }

  function note(revocation: Revocation, { issued_before: issuedBeforeS, receipt }: Answer): void {
    Object.assign(revocation, {
      ackedAtMs: performance.now(),
      durability: receipt?.durability ?? "stored",
      ...(issuedBeforeS === undefined ? {} : { issuedBeforeS }),
    });
  }

  async function lift(random: Random, revocation: Revocation, id: string): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, random.between(0, 1_500)));
    Object.assign(revocation, { liftSentAtMs: performance.now() });
    const response = await send(random.pick(fleet.planes), "DELETE", `/v1/revocations/${id}`, {}).catch(
      () => undefined,
    );
    if (response?.ok === true) Object.assign(revocation, { liftAckedAtMs: performance.now() });
  }

  async function batch(plane: Member, count: number, onAnswered = (_count: number): void => undefined): Promise<void> {
    const begunOnes = pool.mintTaken(count).map((token) => begun(token, "token"));
    const lines = begunOnes.map(({ id }) => JSON.stringify({ target: { kind: "token", id }, reason: "chaos" }));
    let answeredCount = 0;
    try {
      const more = { body: lines.join("\n"), headers: { ...headers, "content-type": "application/x-ndjson" } };
      const response = await send(plane, "POST", "/v1/revocations/batch", more);
      for await (const answer of answersOf(response)) {
        const revocation = begunOnes[(answer.line ?? 0) - 1];
        if (revocation === undefined || answer.id === undefined) continue;
        note(revocation, answer);
        onAnswered((answeredCount += 1));
      }
    } catch {
      // What was answered stands, the others may have happened.
    }
  }

  async function work(random: Random): Promise<void> {
    while (!stopping.signal.aborted) {
      if (random.chance(0.1)) await batch(random.pick(fleet.planes), BATCH_LINES);
      else {
        const token = pool.takeUntouched();
        if (token === undefined) pool.mint(SPARE_TOKENS);
        // By hand it is refused while the store is out: then it was not acknowledged.
        else await revokeOne(token, random).catch(() => undefined);
      }
      await new Promise((resolve) => setTimeout(resolve, random.between(0, 2 * PAUSE_MS)));
    }
  }

  return {
    revocations,
    begin: (random) => void atWork.push(work(random), work(random)),
    async stop() {
      stopping.abort();
      await Promise.all(atWork.splice(0));
    },
    batch,
  };
}

const SPARE_TOKENS = 60;

/** The lines of an answer as they come. */
async function* answersOf(response: Response): AsyncGenerator<Answer> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    const lines = (text + decoder.decode(chunk, { stream: true })).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) if (line !== "") yield JSON.parse(line) as Answer;
  }
}
