// The walk of one Check, room by room, with rooms made by hand: what each refusal says, counts and records.
import { describe, expect, test } from "vitest";
import { createCheckBench, LOW, outcomeOf, rule, STANDARD, type CheckBench } from "../../support/check-bench.ts";
import { checkRequest, decodeCheckResponse, metadataOf } from "../../support/ext-authz-proto.ts";

const BEARER = { authorization: "Bearer a.b.c" };

function get(path: string, headers: Readonly<Record<string, string>> = BEARER): Buffer {
  return checkRequest({ method: "GET", host: "api.example.com", path, headers });
}

describe("a protected call", () => {
  test("with a good token is allowed, and recorded after it was answered", () => {
    const bench = createCheckBench();
    const response = bench.check(get("/orders?id=1"));
    expect(outcomeOf(response)).toBe("allow");
    expect(metadataOf(response)).toMatchObject({ tier: "low", rule: "0", issuer: "main", assurance: "recent" });
    expect(bench.tokens).toEqual(["a.b.c"]);
    expect(bench.decisions).toEqual([
      {
        outcome: "allow",
        reason: "ok",
        tier: "low",
        assurance: "recent",
        stalenessMs: 0,
        issuerId: "main",
        rule: "0",
        revokedBy: undefined,
        endedAt: bench.now(),
        durationMs: 0,
        method: "GET",
        path: "/orders",
        subject: "alice",
        traceId: undefined,
      },
    ]);
  });

  test.each([
    ["without a token", {}, "missing_token"],
    ["with two tokens joined by a comma", { authorization: "Bearer a.b.c, Bearer d.e.f" }, "malformed_request"],
    ["with Basic credentials", { authorization: "Basic YTpi" }, "malformed_request"],
    [
      "with two spellings of Authorization",
      { authorization: "Bearer a.b.c", Authorization: "Bearer a.b.c" },
      "malformed_request",
    ],
    ["with an empty Authorization", { authorization: "" }, "malformed_request"],
  ])("%s is refused", (_what, headers, reason) => {
    const bench = createCheckBench();
    expect(outcomeOf(bench.check(get("/orders", headers)))).toBe(reason);
    expect(bench.tokens).toEqual([]);
  });

  test("whose token the verifier refuses is refused for that reason", () => {
    const bench = createCheckBench({ verification: "expired" });
    expect(metadataOf(bench.check(get("/orders")))).toMatchObject({ reason: "expired", issuer: "main", tier: "low" });
    expect(bench.judgements).toEqual([]);
  });

  test("with a revoked token is refused, with the revocation's id, and counted by kind", () => {
    const bench = createCheckBench({
      evidence: {
        state: "revoked",
        source: "store",
        by: { kind: "session", revocationId: "rev-1" },
        asOf: { monotonicMs: 0, wallMs: 0 },
      },
    });
    expect(metadataOf(bench.check(get("/orders")))).toMatchObject({ reason: "revoked", revocation_id: "rev-1" });
    expect(bench.revokedKinds).toEqual(["session"]);
  });

  test("without one of the rule's scopes is refused, with all of them named", () => {
    const bench = createCheckBench({
      rules: [rule({ path: "/**", tier: LOW, scopes: ["orders", "admin"] })],
      verification: { scopes: ["orders"] },
    });
    const response = bench.check(get("/orders"));
    expect(outcomeOf(response)).toBe("insufficient_scope");
    const challenge = response.denied_response?.headers.find(({ header }) => header.key === "www-authenticate");
    expect(challenge?.header.value).toBe('Bearer error="insufficient_scope", scope="orders admin"');
  });
});

describe("on an anonymous rule", () => {
  const rules = [rule({ path: "/healthz", anonymous: true })];

  test.each([
    ["no credentials", {}],
    ["a token", BEARER],
    ["two tokens", { authorization: "Bearer a, Bearer b" }],
    ["a damaged one", { authorization: "Bearer \u00e9" }],
  ])("%s is not looked at: allowed, nobody's", (_what, headers) => {
    const bench = createCheckBench({ rules, verification: new Error("must not be asked") });
    const response = bench.check(get("/healthz", headers));
    expect(outcomeOf(response)).toBe("allow");
    expect(metadataOf(response)).toEqual({ decision: "allow", reason: "ok", assurance: "anonymous", rule: "0" });
    expect(response.ok_response?.headers_to_remove).toContain("x-auth-subject");
    expect(bench.tokens).toEqual([]);
  });

  test("a tier that Envoy names changes nothing, unless nobody knows it", () => {
    const bench = createCheckBench({ rules });
    const withTier = (tier: string): Buffer =>
      checkRequest({ method: "GET", path: "/healthz" }, { context_extensions: { "portcullis.tier": tier } });
    expect(outcomeOf(bench.check(withTier("critical")))).toBe("allow");
    expect(outcomeOf(bench.check(withTier("crticial")))).toBe("config_error");
  });

  test("scopes that Envoy asks for end the anonymity", () => {
    const bench = createCheckBench({ rules });
    const scoped = checkRequest(
      { method: "GET", path: "/healthz" },
      { context_extensions: { "portcullis.scopes": "admin" } },
    );
    expect(outcomeOf(bench.check(scoped))).toBe("missing_token");
  });
});

describe("the tier is the strictest of", () => {
  const rules = [rule({ path: "/low", tier: LOW }), rule({ path: "/standard", tier: STANDARD })];
  const http = { method: "GET", headers: BEARER };
  const word = (stringValue: string): object => ({
    route_metadata_context: { filter_metadata: { portcullis: { fields: { tier: { stringValue } } } } },
  });
  const tierOf = (bench: CheckBench, request: Buffer): string | undefined => {
    outcomeOf(bench.check(request));
    return bench.judgements.at(-1)?.tier.name;
  };

  test("the rule's own", () => {
    expect(tierOf(createCheckBench({ rules }), get("/low"))).toBe("low");
    expect(tierOf(createCheckBench({ rules }), get("/nobody-thought-of"))).toBe("critical");
  });

  test("a floor that one of the token's scopes sets", () => {
    const bench = createCheckBench({ rules, verification: { scopes: ["payments:write"] } });
    expect(tierOf(bench, get("/low"))).toBe("critical");
  });

  test("Envoy's word in context_extensions", () => {
    const said = (path: string, tier: string): Buffer =>
      checkRequest({ ...http, path }, { context_extensions: { "portcullis.tier": tier } });
    expect(tierOf(createCheckBench({ rules }), said("/low", "standard"))).toBe("standard");
    expect(tierOf(createCheckBench({ rules }), said("/standard", "low"))).toBe("standard");
  });

  test("Envoy's word in route metadata", () => {
    expect(tierOf(createCheckBench({ rules }), checkRequest({ ...http, path: "/low" }, word("critical")))).toBe(
      "critical",
    );
    expect(tierOf(createCheckBench({ rules }), checkRequest({ ...http, path: "/standard" }, word("low")))).toBe(
      "standard",
    );
  });

  test.each([
    ["an unknown name", { context_extensions: { "portcullis.tier": "severe" } }],
    ["an empty name", { context_extensions: { "portcullis.tier": "" } }],
    ["a name in another case", word("Critical")],
    [
      "a number",
      { route_metadata_context: { filter_metadata: { portcullis: { fields: { tier: { numberValue: 1 } } } } } },
    ],
    ["one good name and one unknown", { context_extensions: { "portcullis.tier": "low" }, ...word("severe") }],
  ])("but %s is a configuration error, not a guess", (_what, rest) => {
    expect(outcomeOf(createCheckBench({ rules }).check(checkRequest({ ...http, path: "/low" }, rest)))).toBe(
      "config_error",
    );
  });

  test("and scopes in context_extensions add to the rule's", () => {
    const bench = createCheckBench({ rules, verification: { scopes: ["a"] } });
    const request = checkRequest({ ...http, path: "/low" }, { context_extensions: { "portcullis.scopes": " a  b " } });
    expect(outcomeOf(bench.check(request))).toBe("insufficient_scope");
  });
});

describe("past maxInFlight", () => {
  test("a call is refused at once, though its rule is anonymous, and a place that is freed is taken again", () => {
    const rules = [rule({ path: "/healthz", anonymous: true }), rule({ path: "/**", tier: LOW })];
    const bench = createCheckBench({ rules, evidence: "later", maxInFlight: 2 });
    const waiting = [bench.answersTo(get("/a")), bench.answersTo(get("/b"))];
    for (const path of ["/c", "/healthz"]) expect(outcomeOf(bench.check(get(path)))).toBe("overloaded");
    expect(bench.decisions.map(({ reason }) => reason)).toEqual(["overloaded", "overloaded"]);
    for (const judgement of bench.judgements) judgement.answer({ state: "active", source: "store", asOf: bench.now() });
    expect(waiting.map(([answer]) => outcomeOf(decodeCheckResponse(answer as Buffer)))).toEqual(["allow", "allow"]);
    expect(outcomeOf(bench.check(get("/healthz")))).toBe("allow");
  });

  test("no place is lost, whatever goes wrong", () => {
    for (const fault of [{ verification: new Error("x") }, { evidence: new Error("x") }, { observerThrows: true }]) {
      const bench = createCheckBench({ ...fault, maxInFlight: 1 });
      for (let call = 0; call < 5; call++) expect(outcomeOf(bench.check(get("/orders")))).not.toBe("overloaded");
    }
  });
});

describe("a reload", () => {
  test("judges later calls by the new policy, while those in flight end under the one they began with", () => {
    const bench = createCheckBench({ evidence: "later" });
    const before = bench.answersTo(get("/orders"));
    bench.handler.replace({
      ...bench.policy,
      ...createCheckBench({ rules: [rule({ path: "/**", anonymous: true })] }).policy,
    });
    expect(outcomeOf(bench.check(get("/orders", {})))).toBe("allow");
    bench.judgements[0]?.answer({ state: "active", source: "store", asOf: bench.now() });
    expect(metadataOf(decodeCheckResponse(before[0] as Buffer))).toMatchObject({
      decision: "allow",
      assurance: "live",
    });
  });
});
