// Every report becomes its metric under closed labels, and gauges go back when the state does.
import { beforeEach, describe, expect, test } from "vitest";
import type { Decision } from "../../../src/core/observer.ts";
import { createScrape, type Scrape } from "../../../src/telemetry/exposition.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { createObserver, type TelemetryObserver } from "../../../src/telemetry/observer.ts";
import { allowed, denied } from "./decisions.ts";

const OPEN_METRICS = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

let wallMs: number;
let dropped: number;
let logged: Decision[];
let outages: string[];
let observer: TelemetryObserver;
let scrape: Scrape;

beforeEach(() => {
  wallMs = 1_700_000_000_000;
  dropped = 0;
  logged = [];
  outages = [];
  const metrics = createMetrics({ wallNowMs: () => wallMs, droppedLogLines: () => dropped });
  observer = createObserver({
    metrics,
    decisionLog: { record: (decision) => void logged.push(decision) },
    outageLog: {
      storeFailed: (cause) => void outages.push(cause),
      storeUp: (up) => void outages.push(up ? "up" : "down"),
      breakerIs: (state) => void outages.push(state),
      failedOpen: (tier) => void outages.push(tier),
    },
    clock: { now: () => ({ monotonicMs: wallMs - 1_600_000_000_000, wallMs }) },
    tiers: ["critical", "low"],
  });
  scrape = createScrape(metrics);
});

async function series(accept?: string): Promise<string[]> {
  const { body } = await scrape.render(accept);
  return body.split("\n").filter((line) => line.startsWith("portcullis_"));
}

describe("every report is counted under closed labels", () => {
  test("decisions, with what was not known when they were made", async () => {
    observer.decided(allowed());
    observer.decided(allowed());
    observer.decided(denied({ reason: "bad_signature", tier: undefined }));
    expect(await series()).toEqual(
      expect.arrayContaining([
        'portcullis_decisions_total{decision="allow",reason="ok",tier="standard",assurance="live"} 2',
        'portcullis_decisions_total{decision="deny",reason="bad_signature",tier="none",assurance="none"} 1',
        'portcullis_check_duration_seconds_bucket{le="0.00005"} 0',
        'portcullis_check_duration_seconds_bucket{le="0.0005"} 3',
        'portcullis_check_duration_seconds_bucket{le="+Inf"} 3',
        "portcullis_check_duration_seconds_count 3",
      ]),
    );
    expect(logged).toHaveLength(3);
    observer.decided(allowed({ assurance: "fail-open", durationMs: 2_000 }));
    const { durations, ...totals } = observer.decisionTotals();
    expect(totals).toEqual({ allowed: 3, denied: { bad_signature: 1 }, failedOpen: 1 });
    expect([durations.length, durations[16], durations.reduce((sum, count) => sum + count, 0)]).toEqual([17, 1, 4]);
    wallMs += 1_000;
    expect(observer.decisionRates()).toEqual({ allowPerSecond: 3, denyPerSecond: 1, failOpenPerSecond: 1 });
  });

  test("fail-open that nobody sees: it has a series of its own, at 0 before the first one", async () => {
    expect(await series()).toEqual(
      expect.arrayContaining([
        'portcullis_fail_open_total{tier="critical"} 0',
        'portcullis_fail_open_total{tier="low"} 0',
      ]),
    );
    observer.decided(allowed({ assurance: "fail-open", tier: "low" }));
    expect(await series()).toContain('portcullis_fail_open_total{tier="low"} 1');
  });

  test("verification, look-ups, the store, the breaker, key sets, reloads", async () => {
    observer.verified("RS256", 0.03);
    observer.verifiedTokenCache("hit");
    observer.lookedUp("recent", "active", 0);
    observer.lookedUp("store", "unknown", 50);
    observer.batchSent(7);
    observer.storeFailed("loading");
    observer.storeUp(true);
    observer.breakerIs("half-open");
    observer.revokedTokenAttempted("session");
    observer.jwksFetched("main", "error");
    observer.jwksKeyDropped("main", "too_small");
    observer.configReloaded("refused");
    expect(await series()).toEqual(
      expect.arrayContaining([
        'portcullis_verify_duration_seconds_bucket{alg="RS256",le="0.00005"} 1',
        'portcullis_verified_token_cache_total{result="hit"} 1',
        'portcullis_revocation_lookups_total{source="recent",result="active"} 1',
        'portcullis_revocation_lookups_total{source="store",result="unknown"} 1',
        'portcullis_revocation_lookup_duration_seconds_sum{source="store"} 0.05',
        'portcullis_store_batch_size_bucket{le="8"} 1',
        'portcullis_store_errors_total{cause="loading"} 1',
        'portcullis_store_errors_total{cause="timeout"} 0',
        "portcullis_store_up 1",
        "portcullis_breaker_state 1",
        'portcullis_revoked_token_attempts_total{kind="session"} 1',
        'portcullis_jwks_fetch_total{issuer="main",result="error"} 1',
        'portcullis_jwks_keys_dropped_total{issuer="main",why="too_small"} 1',
        'portcullis_config_reload_total{result="refused"} 1',
      ]),
    );
  });

  test("what an outage's log lines are made of is handed on", () => {
    observer.decided(allowed({ assurance: "fail-open", tier: "low" }));
    observer.decided(allowed({ assurance: "live", tier: "low" }));
    observer.storeFailed("timeout");
    observer.storeUp(false);
    observer.breakerIs("open");
    observer.storeUp(true);
    expect(outages).toEqual(["low", "timeout", "down", "open", "up"]);
  });

  test("states go back: the store down again, the breaker closed again", async () => {
    observer.storeUp(true);
    observer.storeUp(false);
    observer.breakerIs("open");
    observer.breakerIs("closed");
    expect(await series()).toEqual(expect.arrayContaining(["portcullis_store_up 0", "portcullis_breaker_state 0"]));
  });

  test("a key set's age grows until it is read again", async () => {
    observer.jwksReadAt("main", wallMs);
    wallMs += 90_500;
    expect(await series()).toContain('portcullis_jwks_age_seconds{issuer="main"} 90.5');
    observer.jwksReadAt("main", wallMs);
    expect(await series()).toContain('portcullis_jwks_age_seconds{issuer="main"} 0');
  });

  test("of an issuer's clock the largest lead seen is kept", async () => {
    for (const seconds of [2, 5, 1]) observer.issuerClockAhead("main", seconds);
    expect(await series()).toContain('portcullis_issuer_clock_ahead_seconds{issuer="main"} 5');
  });

  test("lines that the log lost", async () => {
    dropped = 3;
    expect(await series()).toContain("portcullis_log_lines_dropped_total 3");
  });
});

describe("a scrape", () => {
  test("is Prometheus text unless OpenMetrics is asked for, and holds the Node process's metrics", async () => {
    const { contentType, body } = await scrape.render("*/*");
    expect(contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(body).toContain("\nprocess_cpu_user_seconds_total ");
    expect(body).toContain("\nnodejs_heap_size_used_bytes ");
    expect(body).not.toContain("# EOF");
  });

  test("in OpenMetrics shows the trace of a sampled check, in its own bucket and nowhere else", async () => {
    observer.decided(allowed({ durationMs: 0.4, traceId: "ab".repeat(16) }));
    const { contentType, body } = await scrape.render(OPEN_METRICS);
    expect(contentType).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    expect(body.endsWith("\n# EOF\n")).toBe(true);
    expect(body.match(/trace_id/g)).toHaveLength(1);
    expect(body).toContain(
      `portcullis_check_duration_seconds_bucket{le="0.0005"} 1 # {trace_id="${"ab".repeat(16)}"} 0.0004 1700000000`,
    );
    expect((await scrape.render(undefined)).body).not.toContain("trace_id");
  });

  test("once in OpenMetrics does not cut the names of the next in Prometheus text", async () => {
    observer.decided(allowed());
    const before = await series();
    const open = await scrape.render(OPEN_METRICS);
    expect(open.body).toContain("# TYPE portcullis_decisions counter");
    expect(open.body).toContain("\nportcullis_decisions_total{");
    await scrape.render(OPEN_METRICS);
    expect(await series()).toEqual(before);
    const { body } = await scrape.render(undefined);
    expect(body).toContain("# TYPE portcullis_decisions_total counter");
    expect(body).toContain("# TYPE process_cpu_seconds_total counter");
  });

  test("in both formats at once gives each its own", async () => {
    const [open, text] = await Promise.all([scrape.render(OPEN_METRICS), scrape.render("text/plain")]);
    expect(open.body).toContain("# TYPE portcullis_decisions counter");
    expect(text.body).toContain("# TYPE portcullis_decisions_total counter");
  });

  test("never holds a subject, a path or a rule", async () => {
    observer.decided(allowed({ subject: "alice@example.com", path: "/private/path", rule: "rule-seven" }));
    for (const accept of [undefined, OPEN_METRICS]) {
      const { body } = await scrape.render(accept);
      for (const secret of ["alice", "/private", "rule-seven"]) expect(body).not.toContain(secret);
    }
  });

  test("every series of a name stands together, each once", async () => {
    observer.decided(allowed());
    observer.verified("RS256", 1);
    observer.verified("ES256", 1);
    const { body } = await scrape.render(undefined);
    const typed = body
      .split("\n")
      .filter((line) => line.startsWith("# TYPE"))
      .map((line) => line.split(" ")[2]);
    expect(new Set(typed).size).toBe(typed.length);
    const samples = body
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.slice(0, line.lastIndexOf(" ")));
    expect(new Set(samples).size).toBe(samples.length);
  });
});
