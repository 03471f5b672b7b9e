// Holds docs/fail-policy.md to the code: each fault of its table, made for real, in each tier, through a real sidecar.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSidecar, token, type Answer, type SidecarUnderTest } from "../support/sidecar.ts";
import { FAULTS, startFaultyStore, type FaultyStore } from "../support/store-faults.ts";
import { until } from "../support/wait.ts";

const TIERS = ["critical", "standard", "low"] as const;
type Tier = (typeof TIERS)[number];

interface Row {
  readonly fault: string;
  readonly cause: string;
  readonly outcomes: Readonly<Record<Tier, string>>;
}

const ROWS = readTable(readFileSync(new URL("../../docs/fail-policy.md", import.meta.url), "utf8"));

/** The tiers' default staleness would outlast the test: it is the only thing changed, and `low` keeps its grace. */
const YAML = (port: number): string => `
store: { type: redis, url: "redis://127.0.0.1:${port}" }
tiers:
  critical: { maxStaleness: 0s }
  standard: { maxStaleness: 1ms }
  low: { maxStaleness: 2ms, failOpenFor: 5m }
routes:
  - { path: /critical, tier: critical }
  - { path: /standard, tier: standard }
  - { path: /low, tier: low }
telemetry: { decisions: { deny: 0, allow: 0 } }
`;

/** The Check's own deadline is 150 ms; the rest is for a machine that is busy with other tests. */
const GENEROUS_MS = 1_500;

let store: FaultyStore;
let sidecar: SidecarUnderTest;
let beyondProxy: SidecarUnderTest;

beforeAll(async () => {
  store = await startFaultyStore();
  sidecar = await startSidecar(YAML(store.redis.port));
  beyondProxy = await startSidecar(YAML(store.proxy.port));
});

afterAll(async () => {
  await sidecar.stop();
  await beyondProxy.stop();
  await store.proxy.close();
  await store.redis.stop();
});

function outcomeOf(answer: Answer): string {
  if (answer.status !== 200) return String(answer.status);
  return answer.metadata["assurance"] === "fail-open" ? "fail-open" : "allowed";
}

async function ask(tier: Tier, bearer: string, of: SidecarUnderTest = sidecar): Promise<string> {
  const answer = await of.check({ path: `/${tier}`, token: bearer });
  expect(answer.ms, `${tier} is answered in time`).toBeLessThan(GENEROUS_MS);
  return outcomeOf(answer);
}

test("the table names every fault that is tested, and no other", () => {
  expect(ROWS.map((row) => row.fault)).toEqual(FAULTS.map((fault) => fault.name));
});

describe.each(ROWS)("store $fault", ({ fault, cause, outcomes }) => {
  test("each tier answers what its line says, the cause is counted, and all is well soon after", async () => {
    const made = FAULTS.find(({ name }) => name === fault);
    if (made === undefined) throw new Error(`nobody makes the fault ${fault}`);
    const asked = made.onTheWay === true ? beyondProxy : sidecar;
    const bearer = token();
    await until("the store to answer", async () => (await ask("critical", bearer, asked)) === "allowed", 10_000);
    const counted = (): Promise<number> => asked.metric(`portcullis_store_errors_total{cause="${cause}"}`);
    const countedBefore = await counted();

    const end = await made.make(store);
    try {
      await until(
        "the fault to be felt",
        async () => (await ask("critical", bearer, asked)) === outcomes.critical,
        5_000,
      );
      for (const tier of TIERS) expect(await ask(tier, bearer, asked), tier).toBe(outcomes[tier]);
      for (const tier of TIERS) expect(await ask(tier, token(), asked), `${tier}, a new token`).toBe(outcomes[tier]);
      // A breaker that opened stops asking: the cause is counted with the first questions, or with a probe's.
      await until(`${cause} to be counted`, async () => {
        await ask("critical", bearer, asked);
        return (await counted()) > countedBefore;
      });
    } finally {
      await end();
    }
    const mendedAt = performance.now();
    await until(
      "the store to be asked again",
      async () => (await ask("critical", bearer, asked)) === "allowed",
      15_000,
    );
    // Loading ends by itself, some time after it was made.
    if (fault !== "loading") expect(performance.now() - mendedAt).toBeLessThan(3_000);
  });
});

test("fail-open is counted for its tier alone", async () => {
  expect(await sidecar.metric('portcullis_fail_open_total{tier="low"}')).toBeGreaterThan(0);
  expect(await sidecar.metric('portcullis_fail_open_total{tier="critical"}')).toBe(0);
  expect(await sidecar.metric('portcullis_fail_open_total{tier="standard"}')).toBe(0);
});

test("a token seen revoked stays refused in every tier while the store is out", async () => {
  const jti = "seen-revoked";
  const bearer = token({ jti });
  await store.redis.cli("SET", `revoked:jti:main:${jti}`, "1");
  expect(await ask("low", bearer)).toBe("401");
  store.redis.pause();
  try {
    await until("the outage to be felt", async () => (await ask("critical", token())) === "503");
    for (const tier of TIERS) expect(await ask(tier, bearer)).toBe("401");
  } finally {
    store.redis.resume();
  }
});

test("many calls at once are all answered in time while the store is paused, and nothing is kept of them", async () => {
  store.redis.pause();
  try {
    const calls = Array.from({ length: 400 }, () => sidecar.check({ path: "/standard", token: token() }));
    const answers = await Promise.all(calls);
    expect(new Set(answers.map(outcomeOf))).toEqual(new Set(["503"]));
    const status = (await (await fetch(`${sidecar.opsUrl}/status`)).json()) as { readonly in_flight: number };
    expect(status.in_flight).toBe(0);
  } finally {
    store.redis.resume();
  }
});

function readTable(text: string): readonly Row[] {
  const lines = text.split("\n");
  const head = lines.findIndex((line) => line.startsWith("| fault |"));
  const rows: Row[] = [];
  for (const line of lines.slice(head + 2)) {
    if (!line.startsWith("|")) break;
    const [, fault = "", , cause = "", critical = "", standard = "", low = ""] = line
      .split("|")
      .map((cell) => cell.trim());
    rows.push({ fault, cause: cause.replaceAll("`", ""), outcomes: { critical, standard, low } });
  }
  return rows;
}
