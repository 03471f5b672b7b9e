// `portcullis explain`: the verdict that `serve` would give, step by step, on the real keys and the real store; the token
// itself is never printed.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run, runHere, type Outcome } from "../support/command.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { JWKS, token } from "../support/sidecar.ts";
import { createTestKey } from "../support/tokens.ts";

const nowS = Math.floor(Date.now() / 1_000);
let redis: RedisProcess;
let folder: string;

beforeAll(async () => {
  redis = await startRedis();
  await redis.cli("SET", "revoked:jti:main:stolen", '{"v":1,"id":"rev-7"}');
  await redis.cli("SET", "user:revoked_after:main:broken", "the day before yesterday");
  folder = mkdtempSync(join(tmpdir(), "portcullis-explain-"));
  writeFileSync(join(folder, "jwks.json"), JWKS);
  writeFileSync(join(folder, "good.yaml"), yaml(redis.url));
  writeFileSync(join(folder, "out.yaml"), yaml("redis://127.0.0.1:1"));
  writeFileSync(join(folder, "bad.yaml"), "issuers: []\n");
});
afterAll(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

function yaml(url: string): string {
  return `issuers:
  - { issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [orders-api], algorithms: [ES256] }
store: { type: redis, url: "${url}", timeout: 1s }
deadline: 2s
routes:
  - { path: /healthz, anonymous: true, name: health }
  - { path: /admin/**, tier: critical, scopes: [admin] }
  - { host: pay.example.com, path: /**, tier: critical, name: pay }
  - { path: /api/**, methods: [GET], tier: low }
scopes:
  - { scope: "payments:*", tier: standard }
`;
}

function explain(args: readonly string[], stdin = "", file = "good.yaml", runIt = run): Promise<Outcome> {
  return runIt(["explain", "--config", join(folder, file), ...args], { stdin });
}

interface Explained {
  readonly verdict: {
    readonly decision: string;
    readonly reason: string;
    readonly assurance?: string;
    readonly http_status: number;
  };
  readonly steps: readonly { readonly step: string; readonly result: string }[];
}

/** Of a GET of `path` with this token on standard input. */
async function explained(path: string, bearer?: string, file?: string): Promise<Explained> {
  const tokenArgs = bearer === undefined ? [] : ["--token-stdin"];
  const args = ["--method", "GET", "--path", path, "--json", ...tokenArgs];
  const { code, out } = await explain(args, bearer, file, runHere);
  expect(code).toBe(0);
  expect(out).not.toContain(bearer ?? "no token was given");
  return JSON.parse(out) as Explained;
}

function resultOf({ steps }: Explained, step: string): string | undefined {
  return steps.find((candidate) => candidate.step === step)?.result;
}

describe("the verdict", () => {
  const deny = (reason: string, status: number): object => ({ decision: "deny", reason, http_status: status });

  test("on an anonymous route is an allow that looks at nothing", async () => {
    const told = await explained("/healthz", token());
    expect(told.verdict).toEqual({ decision: "allow", reason: "ok", assurance: "anonymous", http_status: 200 });
    expect(resultOf(told, "rule")).toBe("health (/healthz)");
    expect(resultOf(told, "token")).toContain("not looked at");
  });

  test("of a good token is an allow, live, with the keys that were asked", async () => {
    const told = await explained("/api/orders", token({ jti: "j-1", sub: "alice" }));
    expect(told.verdict).toEqual({ decision: "allow", reason: "ok", assurance: "live", http_status: 200 });
    expect(resultOf(told, "rule")).toBe("3 (GET /api/**)");
    expect(resultOf(told, "tier")).toMatch(
      /^low: answers up to 30000 ms old, store out → allowed for at most 300000 ms$/,
    );
    expect(resultOf(told, "revocation")).toMatch(
      /revoked:jti:main:j-1 .*user:revoked_after:main:alice.*: not revoked$/,
    );
  });

  test("tells what raised the tier", async () => {
    const told = await explained("/api/orders", token({ scope: "payments:write" }));
    expect(resultOf(told, "tier")).toMatch(/^standard \(raised from low by a scope of the token\)/);
  });

  const foreignKey = createTestKey("ES256", "k1");
  test.each([
    ["without a token", undefined, deny("missing_token", 401)],
    ["of an expired one", token({ iat: nowS - 900, exp: nowS - 300 }), deny("expired", 401)],
    ["of another issuer's", token({ iss: "https://elsewhere.example.com" }), deny("unknown_issuer", 401)],
    ["of one that another key signed", token({}, {}, foreignKey), deny("bad_signature", 401)],
    ["of one for another audience", token({ aud: "billing-api" }), deny("wrong_audience", 401)],
    ["of what is no token", "opaque", deny("malformed_token", 401)],
    ["of two words", "two words", deny("malformed_request", 400)],
    ["of a revoked one", token({ jti: "stolen" }), deny("revoked", 401)],
    ["where a watermark cannot be read", token({ sub: "broken" }), deny("revocation_unavailable", 503)],
  ])("%s is its reason", async (_what, bearer, verdict) => {
    expect((await explained("/api/orders", bearer)).verdict).toEqual(verdict);
  });

  test("names the revocation", async () => {
    expect(resultOf(await explained("/api/orders", token({ jti: "stolen" })), "revocation")).toMatch(
      /: revoked by token \(rev-7\)$/,
    );
  });

  test("of a scope that is lacking names what is needed and what is there", async () => {
    const told = await explained("/admin/users", token({ scope: "read" }));
    expect(told.verdict).toEqual(deny("insufficient_scope", 403));
    expect(resultOf(told, "scopes")).toBe("needs admin; has read");
  });

  test("of an ambiguous path is a refusal", async () => {
    const told = await explained("/admin%2Fusers", token());
    expect(told.verdict).toEqual(deny("ambiguous_path", 400));
    expect(resultOf(told, "path")).toContain("no one meaning");
  });

  test("with the store out says so, with the cause", async () => {
    const told = await explained("/api/orders", token(), "out.yaml");
    expect(told.verdict).toEqual(deny("revocation_unavailable", 503));
    expect(resultOf(told, "revocation")).toMatch(/: not known: \w+$/);
  });

  test("goes by the host header, in any spelling of it", async () => {
    for (const header of ["host: PAY.example.com", "Host:pay.example.com:443"]) {
      const { out } = await explain(["--method", "GET", "--path", "/api/x", "--header", header]);
      expect(out).toContain("pay (pay.example.com /**)");
    }
  });
});

describe("the command", () => {
  test("prints a line for each step and the verdict, to be read by people", async () => {
    const bearer = token();
    const { code, out } = await explain([
      "--method",
      "GET",
      "--path",
      "/api/orders",
      "--header",
      `authorization: Bearer ${bearer}`,
    ]);
    expect(code).toBe(0);
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => line.split(/ {2,}/)[0]),
    ).toEqual(["path", "rule", "tier of the rule", "credentials", "token", "tier", "revocation", "verdict"]);
    expect(out).toMatch(/^verdict +allow: live$/m);
    for (const part of bearer.split(".")) expect(out).not.toContain(part);
  });

  test("takes two tokens for two credentials", async () => {
    const bearer = token();
    const header = ["--header", `authorization: Bearer ${bearer}`];
    const { out } = await explain(["--method", "GET", "--path", "/api/orders", ...header, "--token-stdin"], bearer);
    expect(out).toMatch(/^verdict +deny: malformed_request \(HTTP 400\)$/m);
  });

  test.each([
    ["a header that is none", ["--method", "GET", "--path", "/", "--header", "Bearer secretsecret"]],
    ["no path", ["--method", "GET"]],
    ["no method", ["--path", "/"]],
  ])("with %s is a usage error, and quotes no credential", async (_what, args) => {
    const { code, out, err } = await explain(args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).not.toContain("secretsecret");
  });

  test("with a bad configuration prints its problems and ends with 2", async () => {
    const { code, out, err } = await explain(["--method", "GET", "--path", "/"], "", "bad.yaml");
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/bad\.yaml:1:\d+ {2}issuers {2}/);
  });
});
