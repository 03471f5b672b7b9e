// What a file becomes: the documented example, the defaults, units, paths, and all problems of a bad one together.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import { configOf, configWith, MINIMAL, problemsIn, problemsWith, warningsWith } from "./support.ts";

const FULL = readFileSync(new URL("fixtures/full.yaml", import.meta.url), "utf8");

describe("the documented example", () => {
  it("loads, without a warning", () => {
    const loaded = loadConfig("/etc/full.yaml", FULL, {});
    expect(loaded.ok && loaded.value.warnings).toEqual([]);
  });

  it("differs from the defaults only in what has none", () => {
    const { file: _, issuers, routes, scopes, control, feed, ...full } = configOf(FULL);
    const {
      file: __,
      issuers: ___,
      routes: ____,
      scopes: _____,
      control: ______,
      feed: _______,
      ...minimal
    } = configOf(MINIMAL);
    expect(full).toEqual(minimal);
    expect(issuers[0]).toEqual({ ...configOf(MINIMAL).issuers[0], algorithms: ["RS256", "ES256"] });
    expect(routes).toHaveLength(5);
    expect(scopes).toEqual([{ scope: "payments:*", tier: "critical" }]);
    expect(control.tokens[0]?.name).toBe("ci");
    expect(feed.scanEveryMs).toBe(10_000);
  });
});

describe("a minimal file", () => {
  it("is filled up with every default, in compiled units", () => {
    const config = configOf(MINIMAL);
    expect(config.listen).toEqual({
      grpc: [{ kind: "tcp", host: "127.0.0.1", port: 9001 }],
      transport: "wire",
      ops: { kind: "tcp", host: "127.0.0.1", port: 9002 },
      control: { kind: "tcp", host: "127.0.0.1", port: 9003 },
    });
    expect(config.issuers).toEqual([
      {
        id: "main",
        issuer: "https://id.example.com",
        jwks: { kind: "url", url: "https://id.example.com/jwks", allowHttp: false },
        audiences: ["orders-api"],
        algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
        profile: "at+jwt",
        clockSkewMs: 30_000,
        maxLifetimeMs: 3_600_000,
        requireJti: true,
        senderConstraint: "ifBound",
        claims: { session: "sid", tenant: "tenant", client: "client_id", scope: "scope" },
      },
    ]);
    expect(config.tiers).toEqual([
      { name: "critical", rank: 0, maxStalenessMs: 0, failOpenForMs: 0 },
      { name: "standard", rank: 1, maxStalenessMs: 2_000, failOpenForMs: 0 },
      { name: "low", rank: 2, maxStalenessMs: 30_000, failOpenForMs: 300_000 },
    ]);
    expect(config.store).toMatchObject({
      type: "redis",
      url: "redis://127.0.0.1:6379/0",
      timeoutMs: 50,
      path: "/etc/portcullis.db",
    });
    expect(config.limits).toEqual({ maxTokenBytes: 16_384, maxInFlightCount: 4_096, verifiedTokenCount: 100_000 });
    expect(config.telemetry).toEqual({
      otlp: undefined,
      sampleRatio: 0.01,
      decisions: { denyRatio: 1, allowRatio: 0.01, plainSubject: false },
    });
    expect(config.control).toEqual({
      url: "http://127.0.0.1:9003",
      issuer: "main",
      audience: "portcullis",
      tokens: [],
      secondPerson: [],
      tls: undefined,
      audit: { keepMs: 90 * 86_400_000, maxEntries: 100_000, secret: undefined },
    });
    expect(config.feed).toEqual({ type: "redis", scanEveryMs: 10_000, directWriters: true });
  });

  it("keeps tiers in the order of the file", () => {
    const tiers = configWith(
      "tiers: { z: { maxStaleness: 0s }, a: { maxStaleness: 1s }, m: { maxStaleness: 1s, failOpenFor: 1h } }",
    ).tiers;
    expect(tiers.map(({ name, rank }) => [name, rank])).toEqual([
      ["z", 0],
      ["a", 1],
      ["m", 2],
    ]);
  });

  it("makes paths relative to the file absolute", () => {
    const config = configOf(`issuers: [{ issuer: a, jwks: { file: keys/jwks.json }, anyAudience: true }]
store: { type: embedded, path: ../var/p.db }
listen: { grpc: ["unix:/run/a.sock", "unix:b.sock"] }`);
    expect(config.issuers[0]).toMatchObject({
      jwks: { kind: "file", path: "/etc/keys/jwks.json" },
      audiences: undefined,
    });
    expect(config.store.path).toBe("/var/p.db");
    expect(config.listen.grpc).toEqual([
      { kind: "unix", path: "/run/a.sock" },
      { kind: "unix", path: "/etc/b.sock" },
    ]);
  });

  it("finds the control API where it listens, unless told otherwise", () => {
    expect(configWith("listen: { control: 0.0.0.0:80 }").control.url).toBe("http://127.0.0.1:80");
    expect(configWith('listen: { control: "[::]:80" }').control.url).toBe("http://[::1]:80");
    expect(configWith("control: { url: https://pc.example.com }").control.url).toBe("https://pc.example.com");
  });

  it("lets no issuer call the control API where several are there and none is called main", () => {
    const two = `issuers:
  - { issuer: a, id: a, jwks: { file: a }, anyAudience: true }
  - { issuer: b, id: b, jwks: { file: b }, anyAudience: true }
`;
    expect(configOf(two).control.issuer).toBeUndefined();
    expect(configOf(`${two}control: { issuer: b }`).control.issuer).toBe("b");
  });
});

describe("an empty file", () => {
  it.each(["", "# nothing\n", "---\n", "null\n", "\n\n"])("lacks what is required: %j", (text) => {
    expect(problemsIn(text)).toEqual(["/etc/p.yaml:1:1  issuers  is missing  a list of at least one issuer"]);
  });
});

describe("a bad file", () => {
  it("has all its problems reported together, in the order of the file, each with its place", () => {
    expect(
      problemsIn(`listen: { ops: 9002, opss: x }
issuers:
  - issuer: https://id.example.com
    jwks: { url: http://id.example.com/jwks }
    audiences: [portcullis]
    algorithms: [HS256]
    clokSkew: 30s
    issuer: again
deadline: 1 minute
routes:
  - { path: /a, tier: nope }
store: { url: "\${MISSING}" }
`),
    ).toEqual([
      "/etc/p.yaml:1:16  listen.ops  is the number 9002  host:port or [ipv6]:port, port 0 for any free one",
      '/etc/p.yaml:1:22  listen.opss  is no known key, did you mean "ops"?  known here: grpc, transport, tls, ops, control',
      '/etc/p.yaml:4:18  issuers[0].jwks.url  is "http://id.example.com/jwks": plain http, whose keys anyone on the way can replace' +
        "  https, loopback, or allowHttp: true beside it",
      '/etc/p.yaml:5:17  issuers[0].audiences[0]  is "portcullis": the same as control.audience, so any caller\'s token could revoke' +
        "  an audience of the control API alone",
      '/etc/p.yaml:6:18  issuers[0].algorithms[0]  is "HS256"' +
        "  one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519",
      '/etc/p.yaml:7:5  issuers[0].clokSkew  is no known key, did you mean "clockSkew"?' +
        "  known here: issuer, id, jwks, senderConstraint, audiences, anyAudience, algorithms, profile, clockSkew, maxLifetime, introspection, statusLists, requireJti, claims",
      "/etc/p.yaml:8:5  issuers[0].issuer  stands here a second time  each key once",
      '/etc/p.yaml:9:11  deadline  is "1 minute"  a duration from 5ms to 1m, such as 250ms or 2s',
      '/etc/p.yaml:11:23  routes[0].tier  is "nope": no such tier  one of critical, standard, low',
      "/etc/p.yaml:12:16  store.url  uses the environment variable MISSING, which is not set  a set variable, or ${NAME:-default}",
    ]);
  });

  it.each([
    ["deadline:", "deadline  is empty"],
    ["deadline: 5", "deadline  is the number 5"],
    ["deadline: 0s", 'deadline  is "0s"'],
    ["deadline: 1.5s", 'deadline  is "1.5s"'],
    ["deadline: 2m", 'deadline  is "2m"'],
    ["deadline: [1s]", "deadline  is a list"],
    ["limits: { maxTokenBytes: 16KB }", 'limits.maxTokenBytes  is "16KB"'],
    ["limits: { maxTokenBytes: 1GiB }", 'limits.maxTokenBytes  is "1GiB"'],
    ['limits: { maxInFlight: "4096" }', 'limits.maxInFlight  is "4096"'],
    ["limits: { maxInFlight: 0 }", "limits.maxInFlight  is the number 0"],
    ["limits: { maxInFlight: 1.5 }", "limits.maxInFlight  is the number 1.5"],
    ["identity: { forwardToken: yes }", 'identity.forwardToken  is "yes"'],
    ["breaker: { failureRatio: 0 }", "breaker.failureRatio  is the number 0"],
    ["telemetry: { sampleRatio: .nan }", "telemetry.sampleRatio  is the number NaN"],
    ["telemetry: { otlp: ftp://x }", 'telemetry.otlp  is "ftp://x"'],
    ["telemetry: { decisions: { deny: some } }", 'telemetry.decisions.deny  is "some"'],
    ["listen: { grpc: [127.0.0.1:1, nohost] }", 'listen.grpc[1]  is "nohost"'],
    ["listen: { control: 300.0.0.1:80 }", 'listen.control  is "300.0.0.1:80"'],
    ["listen: { grpc: [] }", "listen.grpc  is an empty list"],
    ["listen: { grpc: 5 }", "listen.grpc  is the number 5"],
    ["listen: { ops: unix:/run/ops.sock }", 'listen.ops  is "unix:/run/ops.sock"'],
    ["listen: { ops: localhost:65536 }", 'listen.ops  is "localhost:65536"'],
    ["listen: { ops: 127.0.0.1:9001 }", 'listen.ops  is "127.0.0.1:9001": listen.grpc has this address already'],
    ["routes:", "routes  is empty"],
    ["routes: { path: / }", "routes  is a block of keys"],
    ["routes: [null]", "routes[0]  is empty"],
    [
      "control: { tokens: [{ name: a/b, sha256: " + "a".repeat(64) + ", scopes: [portcullis:read] }] }",
      'control.tokens[0].name  is "a/b"',
    ],
    ["control: { issuer: other }", 'control.issuer  is "other": no issuer has this id'],
    [
      "control: { audience: orders-api }",
      'control.audience  is "orders-api": the same as issuers[0].audiences[0], so any caller\'s token could revoke',
    ],
    ["ambiguousPaths: allow", 'ambiguousPaths  is "allow"'],
    ["1: 2", '["1"]  is a key that is no text'],
    ["<<: { deadline: 1s }", '["<<"]  is no known key'],
  ])("is refused: %s", (more, problem) => {
    expect(problemsWith(more)).toEqual([problem]);
  });

  it("leaves a free port to be taken by as many listeners as like", () => {
    expect(problemsWith("listen: { grpc: 127.0.0.1:0, ops: 127.0.0.1:0, control: 127.0.0.1:0 }")).toEqual([]);
  });
});

describe("what this version cannot do", () => {
  it.each([
    ["feed: { type: kafka }", 'feed.type  is "kafka": not part of this version: control planes alone use Kafka'],
    [
      "store: { url: redis+cluster://h:1 }\nfeed: { type: redis }",
      "feed.type  is redis, but a Cluster feeds no replica in this version",
    ],
  ])("is refused where its absence would be felt: %s", (more, problem) => {
    expect(problemsWith(more)).toEqual([problem]);
  });

  it("is not warned of where nothing is missing", () => {
    expect(warningsWith("feed: { type: redis }")).toEqual([]);
    expect(warningsWith('feed: { type: none }\nrecord: ""')).toEqual([]);
  });
});
