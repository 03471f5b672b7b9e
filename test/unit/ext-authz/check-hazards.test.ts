// Requests that mean two things, or nothing, are never let in by a laxer rule: paths, hosts and bytes.
import { describe, expect, test } from "vitest";
import type { Evidence } from "../../../src/core/evidence.ts";
import type { Possession } from "../../../src/core/possession.ts";
import type { Span } from "../../../src/core/tracing.ts";
import { dpopToken } from "../../../src/token/bearer.ts";
import type { PossessionJudge } from "../../../src/token/possession.ts";
import { CRITICAL, createCheckBench, LOW, NO_CALL, outcomeOf, rule, STANDARD } from "../../support/check-bench.ts";
import { checkRequest, decodeCheckResponse, encodeCheckRequest } from "../../support/ext-authz-proto.ts";

const BEARER = { authorization: "Bearer a.b.c" };

function get(path: string, headers: Readonly<Record<string, string>> = BEARER): Buffer {
  return checkRequest({ method: "GET", host: "api.example.com", path, headers });
}

function rawAuthorization(raw_value: Buffer): Buffer {
  return checkRequest({ path: "/orders", header_map: { headers: [{ key: "authorization", raw_value }] } });
}

describe("hazard 7: a path with more than one meaning", () => {
  const rules = [rule({ path: "/admin/**", scopes: ["admin"] }), rule({ path: "/**", anonymous: true })];
  const paths = ["/admin%2Fusers", "/public/..%2Fadmin", "/%2e%2e/admin", "/a;b", "", "*", "api.example.com:443"];

  test.each(paths)("%j is refused before any credential is looked at", (path) => {
    const bench = createCheckBench({ rules });
    const response = bench.check(get(path));
    expect(outcomeOf(response)).toBe("ambiguous_path");
    expect(response.status?.code).toBe(3);
    expect(bench.decisions[0]).toMatchObject({ path: undefined, method: "GET" });
  });

  test.each(paths)("%j with `strictest` needs a token and every scope of the host, in the strictest tier", (path) => {
    const strictest = { rules, policy: { ambiguousPaths: "strictest" } } as const;
    expect(outcomeOf(createCheckBench(strictest).check(get(path, {})))).toBe("missing_token");
    const bench = createCheckBench({ ...strictest, evidence: "later", verification: { scopes: ["other"] } });
    const answers = bench.answersTo(get(path));
    expect(bench.judgements[0]?.tier).toBe(CRITICAL);
    bench.judgements[0]?.answer({ state: "active", source: "store", asOf: bench.now() });
    expect(outcomeOf(decodeCheckResponse(answers[0] as Buffer))).toBe("insufficient_scope");
  });
});

describe("hazard 7: a host with more than one meaning, where a rule names a host", () => {
  const rules = [
    rule({ host: "pay.example.com", path: "/**", tier: LOW, scopes: ["pay"] }),
    rule({ path: "/**", tier: LOW }),
  ];
  const on = (host: string): Buffer => checkRequest({ method: "GET", host, path: "/orders", headers: BEARER });

  test.each(["x@pay.example.com", "pay.example.com:80:80", "pay.example.com%00", "pay.example.com.."])(
    "%j is refused, with `strictest` too, and does not fall through to a laxer rule",
    (host) => {
      for (const ambiguousPaths of ["refuse", "strictest"] as const) {
        const response = createCheckBench({ rules, policy: { ambiguousPaths } }).check(on(host));
        expect(outcomeOf(response)).toBe("malformed_request");
        expect(response.denied_response?.status.code).toBe("BadRequest");
      }
      expect(outcomeOf(createCheckBench().check(on(host)))).toBe("allow");
    },
  );

  test("a port and a trailing dot are no such thing, and the rule's scope is asked for", () => {
    for (const host of ["PAY.example.com", "pay.example.com.:443"]) {
      expect(outcomeOf(createCheckBench({ rules }).check(on(host))), host).toBe("insufficient_scope");
    }
    expect(outcomeOf(createCheckBench({ rules }).check(on("other.example.com")))).toBe("allow");
  });
});

describe("hazard 5: bytes that cannot be read", () => {
  test.each([
    ["an empty message", Buffer.alloc(0)],
    ["no HTTP request in it (a TCP filter)", encodeCheckRequest({ attributes: { request: {} } })],
    ["not protobuf at all", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a message cut off", get("/orders").subarray(0, 40)],
    ["a header name with a line feed", get("/orders", { ...BEARER, "x\ny": "z" })],
    ["an Authorization that is not UTF-8", rawAuthorization(Buffer.from([...Buffer.from("Bearer a.b."), 0xff]))],
    ["an Authorization of UTF-8 that no token has", rawAuthorization(Buffer.from("Bearer a.b.é"))],
  ])("%s: a denial, never an error that Envoy may wave through", (_what, bytes) => {
    const response = createCheckBench().check(bytes);
    expect(outcomeOf(response)).toBe("malformed_request");
    expect(response.denied_response?.status.code).toBe("BadRequest");
  });

  test("a header nobody reads may hold any bytes", () => {
    const raw_value = Buffer.from([0xff, 0xfe, 0x00]);
    const header_map = {
      headers: [
        { key: "x-odd", raw_value },
        { key: "authorization", raw_value: Buffer.from("Bearer a.b.c") },
      ],
    };
    expect(outcomeOf(createCheckBench().check(checkRequest({ path: "/orders", header_map })))).toBe("allow");
  });
});

describe("hazard 4: duplicates", () => {
  test.each([
    [
      "two entries",
      [
        { key: "authorization", value: "Bearer a.b.c" },
        { key: "authorization", value: "Bearer a.b.c" },
      ],
    ],
    ["value and raw_value", [{ key: "authorization", value: "Bearer a.b.c", raw_value: Buffer.from("Bearer d.e.f") }]],
  ])("%s in header_map are two credentials, and refused", (_what, headers) => {
    const response = createCheckBench().check(checkRequest({ path: "/orders", header_map: { headers } }));
    expect(outcomeOf(response)).toBe("malformed_request");
  });

  test("one in each of headers and header_map are two", () => {
    const header_map = { headers: [{ key: "authorization", value: "Bearer a.b.c" }] };
    expect(outcomeOf(createCheckBench().check(checkRequest({ path: "/orders", headers: BEARER, header_map })))).toBe(
      "malformed_request",
    );
  });
});

test("hazard 3: spoofed spellings in the request are removed on every allow, the managed name itself is not doubled", () => {
  const spoofed = {
    x_auth_subject: "admin",
    "X.Auth.Subject": "admin",
    X_HTTP_METHOD_OVERRIDE: "DELETE",
    "X-Auth-Subject": "admin",
  };
  const response = createCheckBench().check(get("/orders", { ...BEARER, ...spoofed }));
  const removed = response.ok_response?.headers_to_remove ?? [];
  expect(removed).toEqual(expect.arrayContaining(["x_auth_subject", "X.Auth.Subject", "X_HTTP_METHOD_OVERRIDE"]));
  expect(removed.map((name) => name.toLowerCase())).not.toContain("x-auth-subject");
  expect(response.ok_response?.headers.filter(({ header }) => header.key === "x-auth-subject")).toHaveLength(1);
});

test.each([
  [true, "expired"],
  [false, "overloaded"],
])("hazard 3: nor do they get past a sidecar that only observes (with room for the call: %s)", (hasRoom, wouldDeny) => {
  const admission = { tryEnter: () => hasRoom, leave: () => undefined };
  const bench = createCheckBench({ policy: { mode: "observe", admission }, verification: "expired" });
  const response = bench.check(get("/orders", { ...BEARER, x_auth_subject: "root" }));
  expect(outcomeOf(response)).toBe("allow");
  expect(bench.decisions[0]).toMatchObject({ wouldDeny });
  expect(response.ok_response?.headers_to_remove).toEqual(expect.arrayContaining(["x-auth-subject", "x_auth_subject"]));
});

test("a token that is bound to a certificate alone is none of the scheme DPoP, whose proof nobody would check", () => {
  const dpop = { algorithms: ["ES256"], isRequired: false, scheme: "asSeen", token: dpopToken } as const;
  const judge: PossessionJudge = {
    judge: (of, _shown, _now, _deadlineAtMs, done) =>
      done({ ok: true, value: { of, nextNonce: undefined } as Possession }),
  };
  const confirmation = { jkt: undefined, x5tS256: "t".repeat(43) };
  const bench = createCheckBench({ policy: { sender: { judge, dpop } }, verification: { confirmation } });
  expect(outcomeOf(bench.check(get("/orders")))).toBe("allow");
  expect(outcomeOf(bench.check(get("/orders", { authorization: "DPoP a.b.c", dpop: "x" })))).toBe("malformed_request");
});

describe("hazard 8: deadlines", () => {
  test("verifier and guard get one deadline: the policy's, or the caller's less a margin", () => {
    const bench = createCheckBench();
    bench.check(get("/orders"));
    bench.check(get("/orders"), { ...NO_CALL, grpcTimeoutMs: 100 });
    const { monotonicMs } = bench.now();
    expect(bench.verifications.map(({ deadlineAtMs }) => deadlineAtMs - monotonicMs)).toEqual([150, 80]);
    expect(bench.judgements.map(({ deadlineAtMs }) => deadlineAtMs - monotonicMs)).toEqual([150, 80]);
  });

  test("what verification took is not given to the guard again, and its clock is read anew", () => {
    const bench = createCheckBench({ verification: "later" });
    const answers = bench.answersTo(get("/orders"));
    const began = bench.now().monotonicMs;
    bench.pass(60);
    bench.verifications[0]?.answer({});
    expect(bench.judgements[0]).toMatchObject({ deadlineAtMs: began + 150, now: { monotonicMs: began + 60 } });
    expect(answers).toHaveLength(1);
    expect(bench.decisions[0]?.durationMs).toBe(60);
  });

  test("an answer of memory is judged as of the asking: no call falls between two readings of the clock", () => {
    const bench = createCheckBench({ rules: [rule({ path: "/**", tier: STANDARD })], evidence: "later" });
    const asOf = bench.now();
    bench.pass(1_999);
    const guard = {
      judge: (...[, , , , , done]: Parameters<typeof bench.policy.guard.judge>) => {
        bench.pass(2);
        done({ state: "active", source: "recent", asOf });
      },
    };
    bench.handler.replace({ ...bench.policy, guard });
    expect(outcomeOf(bench.check(get("/orders")))).toBe("allow");
  });

  test("an unknown that took time is judged by the time it is known", () => {
    const bench = createCheckBench({ evidence: "later" });
    const lastAnswerAt = bench.now();
    bench.pass(LOW.failOpenForMs - 50);
    const answers = bench.answersTo(get("/orders"));
    bench.pass(100);
    bench.judgements[0]?.answer({ state: "unknown", cause: "timeout", lastAnswerAt, firstUnansweredAt: bench.now() });
    expect(outcomeOf(decodeCheckResponse(answers[0] as Buffer))).toBe("revocation_unavailable");
  });
});

describe("hazard 9: whatever goes wrong inside is a denial", () => {
  const faults: readonly (readonly [string, Parameters<typeof createCheckBench>[0]])[] = [
    ["the verifier throws", { verification: new Error("secret a.b.c") }],
    ["the guard throws", { evidence: new Error("secret a.b.c") }],
    [
      "the bearer reader throws",
      {
        policy: {
          bearerToken: () => {
            throw new Error("secret a.b.c");
          },
        },
      },
    ],
    ["evidence is nothing decide knows", { evidence: { state: "maybe" } as unknown as Evidence }],
    ["a recent answer in a tier of 0 s", { rules: [rule({ path: "/**", tier: CRITICAL })] }],
  ];

  test.each(faults)("%s: internal_error", (_what, options) => {
    const bench = createCheckBench(options);
    expect(outcomeOf(bench.check(get("/orders")))).toBe("internal_error");
    expect(bench.decisions.map(({ reason }) => reason)).toEqual(["internal_error"]);
    expect(JSON.stringify(bench.logged)).not.toContain("a.b.c");
  });

  test("an exception is logged by name and place, never by its message", () => {
    const bench = createCheckBench({ verification: new TypeError("secret a.b.c") });
    bench.check(get("/orders"));
    expect(bench.logged).toEqual([
      {
        event: "check_failed",
        fields: { error: "TypeError", place: expect.arrayContaining([expect.stringContaining("at ")]) },
      },
    ]);
  });

  test("an exception in a late answer is a denial too", () => {
    const bench = createCheckBench({ evidence: "later" });
    const answers = bench.answersTo(get("/orders"));
    bench.judgements[0]?.answer({ state: "maybe" } as unknown as Evidence);
    expect(outcomeOf(decodeCheckResponse(answers[0] as Buffer))).toBe("internal_error");
  });

  test("a room that answers twice gets one answer through", () => {
    const bench = createCheckBench({ verification: "later" });
    const answers = bench.answersTo(get("/orders"));
    bench.verifications[0]?.answer("expired");
    bench.verifications[0]?.answer({});
    expect(answers.map((answer) => outcomeOf(decodeCheckResponse(answer)))).toEqual(["expired"]);
    expect(bench.decisions).toHaveLength(1);
  });

  test("a transport that throws is logged, and the call still recorded once", () => {
    const bench = createCheckBench();
    bench.handler.check(get("/orders"), NO_CALL, () => {
      throw new Error("stream is gone");
    });
    expect(bench.decisions).toHaveLength(1);
    expect(bench.logged).toHaveLength(1);
  });
});

describe("hazard 13: where the trace comes from", () => {
  const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const other = "00-11111111111111111111111111111111-2222222222222222-01";

  test("the gRPC metadata first, the request's own header second", () => {
    const bench = createCheckBench();
    const request = get("/orders", { ...BEARER, traceparent: other, tracestate: "of=request" });
    bench.check(request, { ...NO_CALL, traceparent: parent, tracestate: "of=envoy" });
    bench.check(request);
    bench.check(request, { ...NO_CALL, traceparent: parent });
    bench.check(get("/orders"));
    expect(bench.traces).toEqual([
      { traceparent: parent, tracestate: "of=envoy" },
      { traceparent: other, tracestate: "of=request" },
      { traceparent: parent, tracestate: undefined },
      { traceparent: undefined, tracestate: undefined },
    ]);
  });

  test("a sampled call's span goes along to verifier and guard, tells the outcome, and ends once", () => {
    const told: Record<string, unknown> = {};
    let ended = 0;
    const span: Span = {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      child: () => span,
      set: (key, value) => void (told[key] = value),
      fail: () => undefined,
      end: () => void ended++,
    };
    const bench = createCheckBench({ span });
    bench.check(get("/orders"));
    expect([bench.verifications[0]?.span, bench.judgements[0]?.span]).toEqual([span, span]);
    expect(told).toEqual({
      "portcullis.decision": "allow",
      "portcullis.reason": "ok",
      "portcullis.tier": "low",
      "portcullis.assurance": "recent",
      "portcullis.rule": "0",
    });
    expect(ended).toBe(1);
    expect(bench.decisions[0]?.traceId).toBe(span.traceId);
  });
});
