// A test of the test: the ladder broken on purpose, one line at a time, must be caught by the simulation. Which of them a
// file runs is its own: there are two files, for two cores.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { play, type Report } from "./scenario.ts";
import type { Code } from "./sidecar.ts";

interface Change {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

interface Mutation {
  readonly name: string;
  readonly changes: readonly Change[];
}

/** decide() checks every age again, so breaking an age in one place needs the change in both. */
const MUTATIONS: readonly Mutation[] = [
  {
    name: "an answer is dated when it arrives, not when it was asked for",
    changes: [
      {
        file: "revocation/batcher.ts",
        from: "{ ok: true, asOf, values: own }",
        to: "{ ok: true, asOf: this.#options.clock.now(), values: own }",
      },
    ],
  },
  {
    name: "an answer may be a little older than the tier says",
    changes: [
      {
        file: "core/decide.ts",
        from: "stalenessMs < tier.maxStalenessMs",
        to: "stalenessMs < tier.maxStalenessMs + 500",
      },
      {
        file: "revocation/guard.ts",
        from: "ageMs(asOf, now) < tier.maxStalenessMs",
        to: "ageMs(asOf, now) < tier.maxStalenessMs + 500",
      },
    ],
  },
  {
    name: "ages come from the monotonic clock alone",
    changes: [
      {
        file: "core/clock.ts",
        from: "Math.max(now.monotonicMs - then.monotonicMs, now.wallMs - then.wallMs)",
        to: "now.monotonicMs - then.monotonicMs",
      },
    ],
  },
  {
    name: "ages come from the wall clock alone",
    changes: [
      {
        file: "core/clock.ts",
        from: "Math.max(now.monotonicMs - then.monotonicMs, now.wallMs - then.wallMs)",
        to: "now.wallMs - then.wallMs",
      },
    ],
  },
  {
    name: "a token seen revoked is forgotten when the store is out",
    changes: [
      {
        file: "revocation/guard.ts",
        from: 'if (seen !== undefined) return revoked(seen, "recent");\n    const known',
        to: "const known",
      },
    ],
  },
  {
    name: "the grace of a token is not counted from its first unanswered look-up",
    changes: [{ file: "core/decide.ts", from: "&& ageMs(firstUnansweredAt, now) < tier.failOpenForMs", to: "" }],
  },
  {
    name: "a look-up that was never sent counts as the store's silence",
    changes: [
      {
        file: "revocation/batcher.ts",
        from: 'this.#flights.size >= this.#options.maxBatchesInFlight ? "deadline" : "overloaded"',
        to: '"deadline"',
      },
    ],
  },
  {
    name: "a deadline ends a wait though the answer lies in the socket",
    changes: [
      {
        file: "revocation/batcher.ts",
        from: "this.#options.schedule.immediate(this.#endOverdue)",
        to: "this.#endOverdue()",
      },
    ],
  },
  {
    name: "an unreadable watermark is taken for none",
    changes: [{ file: "revocation/judge.ts", from: "unreadable ??= kind;", to: "continue;" }],
  },
  {
    name: "a token issued in the second of the revocation lives on",
    changes: [{ file: "revocation/judge.ts", from: "issuedAtS < issuedBeforeS", to: "issuedAtS + 1 < issuedBeforeS" }],
  },
  {
    name: "the replica is dated when the head's answer arrives",
    changes: [
      {
        file: "revocation/replica/replica.ts",
        from: "awaited ??= { askedAt, seq",
        to: "awaited ??= { askedAt: this.#options.clock.now(), seq",
      },
    ],
  },
  {
    name: "the replica counts as current before it has applied the entries",
    changes: [
      {
        file: "revocation/replica/replica.ts",
        from: "|| applied.seq < awaited.seq) return;",
        to: ") return;",
      },
    ],
  },
  {
    name: "a gap in the feed is not noticed",
    changes: [
      {
        file: "revocation/replica/stretch.ts",
        from: "entry.epoch === epoch && entry.seq === seq + 1 && entry.previousLink === link",
        to: "entry.epoch === epoch && seq > 0 && link !== ''",
      },
    ],
  },
  {
    name: "the chain of links is not looked at",
    changes: [
      {
        file: "revocation/replica/stretch.ts",
        from: " && entry.previousLink === link",
        to: " && link !== ''",
      },
    ],
  },
  {
    name: "a feed that was set back is not noticed",
    changes: [
      {
        file: "revocation/replica/stretch.ts",
        from: "if (head.epoch !== before.epoch || head.seq < before.seq) return false;\n  return head.seq > before.seq || head.link === before.link;",
        to: "return head.epoch === before.epoch || before.seq > 0;",
      },
    ],
  },
  {
    name: "the feed counts again before everything was read anew",
    changes: [
      {
        file: "revocation/replica/replica.ts",
        from: "if (this.#scans.coversStretch(stretch)) stretch.awaited",
        to: "stretch.awaited",
      },
    ],
  },
  {
    name: "what other writers do is not waited for",
    changes: [
      {
        file: "revocation/replica/position.ts",
        from: "this.#asOf = older(feed, direct)",
        to: "this.#asOf = feed",
      },
    ],
  },
  {
    name: "a scan is dated by its end",
    changes: [
      {
        file: "revocation/replica/replica.ts",
        from: "this.#position.directReached(beganAt)",
        to: "this.#position.directReached(this.#options.clock.now())",
      },
    ],
  },
  {
    name: "a push counts without a scan since it opened",
    changes: [
      {
        file: "revocation/replica/hearing.ts",
        from: "push === this.#push && isCovered(push)",
        to: "push === this.#push",
      },
    ],
  },
  {
    name: "a push counts before what was heard is read",
    changes: [
      {
        file: "revocation/replica/hearing.ts",
        from: "this.#dirty.onceRead(() => {\n      if (push === this.#push && isCovered(push)) onReached(askedAt);\n    });",
        to: "if (push === this.#push && isCovered(push)) onReached(askedAt);",
      },
    ],
  },
  {
    name: "what the feed tells of as well is put off beyond the proof",
    changes: [{ file: "revocation/replica/dirty-keys.ts", from: "this.#waitingCount === 0 && ", to: "" }],
  },
  {
    name: "what the feed tells of as well is not read at all",
    changes: [
      {
        file: "revocation/replica/dirty-keys.ts",
        from: "this.#queue.push(this.#later, done);",
        to: "this.#queue.push([], done);",
      },
    ],
  },
  {
    name: "a scan that began before the push was opened counts for it",
    changes: [
      {
        file: "revocation/replica/hearing.ts",
        from: "        this.#push = {};",
        to: "        this.#push ??= {};",
      },
      { file: "revocation/replica/hearing.ts", from: "        this.#push = undefined;", to: "" },
    ],
  },
  {
    name: "a scan that was given up goes on to forget what the next one has not read yet",
    changes: [
      {
        file: "revocation/replica/scans.ts",
        from: "if (!isWanted()) return; // another has begun, to which everything known is older",
        to: "",
      },
    ],
  },
  {
    name: "an entry overwrites a reading that is newer",
    changes: [
      {
        file: "revocation/replica/knowledge.ts",
        from: "if ((this.#knownAsOf.get(key) ?? -1) >= seq) return;",
        to: "",
      },
    ],
  },
  {
    name: "a scan goes on in a store that was restarted",
    changes: [
      {
        file: "revocation/replica/walk.ts",
        from: "if (step.value.connection !== connection) return false;",
        to: "",
      },
    ],
  },
  {
    name: "what a scan learned is swept away after it",
    changes: [
      {
        file: "revocation/replica/knowledge.ts",
        from: "this.#table.set(words, 0, meaning, this.#generation)",
        to: "this.#table.set(words, 0, meaning, 1)",
      },
    ],
  },
  {
    name: "a server is believed that nobody vouches for",
    changes: [{ file: "revocation/redis/vouching.ts", from: "if (vouchedFor === this.#server) {", to: "if (true) {" }],
  },
  {
    name: "a server is believed while a control plane still gives back what it lost",
    changes: [{ file: "revocation/redis/vouching.ts", from: "if (keeper !== null) {", to: "if (false) {" }],
  },
  {
    name: "a server is believed before a control plane can have come back to it",
    changes: [{ file: "revocation/redis/vouching.ts", from: "< SIGN_WITHIN_MS", to: "< 100" }],
  },
  {
    name: "how long nobody has vouched is counted by when the answer is read",
    changes: [
      {
        file: "revocation/redis/vouching.ts",
        from: "askedAtMs - this.#doubtedSinceMs",
        to: "nowMs - this.#doubtedSinceMs",
      },
    ],
  },
  {
    name: "a process that just started takes it that no control plane runs",
    changes: [
      {
        file: "revocation/redis/vouching.ts",
        from: "#keeperWasThere = true;\n  #doubted",
        to: "#keeperWasThere = false;\n  #doubted",
      },
    ],
  },
];

const source = join(import.meta.dirname, "../../src");
const scratch = mkdtempSync(join(tmpdir(), "portcullis-mutants-"));

async function mutant(changes: readonly Change[], index: number): Promise<Code> {
  const root = join(scratch, String(index));
  for (const room of ["core", "resilience", "revocation"])
    cpSync(join(source, room), join(root, room), { recursive: true });
  for (const { file, from, to } of changes) {
    const path = join(root, file);
    const text = readFileSync(path, "utf8");
    expect(text.split(from), `${file} must hold the line once, or this mutation proves nothing`).toHaveLength(2);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
  const load = async <T>(file: string): Promise<T> => (await import(pathToFileURL(join(root, file)).href)) as T;
  return {
    ...(await load<Pick<Code, "createGuard">>("revocation/guard.ts")),
    ...(await load<Pick<Code, "createBatcher">>("revocation/batcher.ts")),
    ...(await load<Pick<Code, "createBreaker">>("resilience/breaker.ts")),
    ...(await load<Pick<Code, "decide">>("core/decide.ts")),
    ...(await load<Pick<Code, "createReplica">>("revocation/replica/replica.ts")),
    ...(await load<Pick<Code, "Vouching">>("revocation/redis/vouching.ts")),
  };
}

async function firstViolation(code: Code, seedCount: number): Promise<Report["violation"]> {
  for (let seed = 1; seed <= seedCount; seed++) {
    const { violation } = await play(seed, 20_000, code);
    if (violation !== undefined) return violation;
  }
  return undefined;
}

/** By twos, so that those that take long are in both halves. */
export function testMutations(half: 0 | 1): void {
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  const mine = MUTATIONS.map((mutation, index) => ({ ...mutation, index })).filter(
    ({ index }) => (index >> 1) % 2 === half,
  );
  test.each(mine)("is caught: $name", async ({ changes, index }) => {
    expect(await firstViolation(await mutant(changes, index), 150)).toBeDefined();
  });
}

export function testUnchanged(): void {
  test("a copy with nothing changed passes, so that a caught mutation is caught for its change", async () => {
    expect(await firstViolation(await mutant([], -1), 10)).toBeUndefined();
  });
}
