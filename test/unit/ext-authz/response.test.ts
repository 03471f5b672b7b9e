// Encoded answers, read by protobufjs: what callers may see, and what the metadata tells Envoy.
import { describe, expect, test } from "vitest";
import { DENY_REASONS, DENY_SHAPES, type DenyReason } from "../../../src/core/deny-reason.ts";
import { deny, type Allow, type Deny } from "../../../src/core/verdict.ts";
import type { JudgedBy } from "../../../src/ext-authz/dynamic-metadata.ts";
import { compileIdentity, compileIdentityPolicy } from "../../../src/ext-authz/identity.ts";
import { createResponseEncoder } from "../../../src/ext-authz/response.ts";
import { decodeCheckResponse, metadataOf, type CheckResponseMessage } from "../../support/ext-authz-proto.ts";
import { principalOf } from "../../support/principal.ts";

const encoder = createResponseEncoder('a "quoted\\" realm');
const NOBODY = { tier: undefined, rule: undefined, issuerId: undefined };

function denied(verdict: Deny, by: JudgedBy = NOBODY): CheckResponseMessage {
  return decodeCheckResponse(encoder.deny(verdict, by));
}

function headersOf(response: CheckResponseMessage): Record<string, string> {
  return Object.fromEntries((response.denied_response?.headers ?? []).map(({ header }) => [header.key, header.value]));
}

const GRPC_CODES = { 400: 3, 401: 16, 403: 7, 503: 14 } as const;
const STATUS_NAMES = { 400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 503: "ServiceUnavailable" } as const;
const TITLES = { 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 503: "Service Unavailable" } as const;
const CHALLENGES = {
  realm: 'Bearer realm="a \\"quoted\\\\\\" realm"',
  invalid_request: 'Bearer error="invalid_request"',
  invalid_token: 'Bearer error="invalid_token"',
  insufficient_scope: 'Bearer error="insufficient_scope", scope=""',
  none: undefined,
} as const;

describe("a denial", () => {
  test.each(DENY_REASONS)("for %s tells status and challenge, and no more", (reason) => {
    const { httpStatus, challenge } = DENY_SHAPES[reason];
    const response = denied(deny(reason));
    expect(response.status?.code).toBe(GRPC_CODES[httpStatus]);
    expect(response.http_response).toBe("denied_response");
    expect(response.denied_response?.status.code).toBe(STATUS_NAMES[httpStatus]);
    expect(headersOf(response)).toEqual({
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...(CHALLENGES[challenge] === undefined ? {} : { "www-authenticate": CHALLENGES[challenge] }),
      ...(httpStatus === 503 ? { "retry-after": "1" } : {}),
    });
    const body: unknown = JSON.parse(response.denied_response?.body ?? "");
    expect(body).toEqual({ type: "about:blank", title: TITLES[httpStatus], status: httpStatus });
    expect(metadataOf(response)).toEqual({ decision: "deny", reason });
  });

  test("of the same status looks the same to the caller, whatever the reason", () => {
    const looks = (reason: DenyReason): string => JSON.stringify(denied(deny(reason)).denied_response);
    expect(looks("expired")).toBe(looks("bad_signature"));
    expect(looks("revoked")).toBe(looks("unknown_issuer"));
    expect(looks("overloaded")).toBe(looks("config_error"));
  });

  test("for missing scopes names them, and leaves out what would break the header", () => {
    const requiredScopes = ["orders:read", 'x"; realm="evil', "back\\slash", "a\r\nb", "é", "", "admin"];
    const verdict: Deny = { ...deny("insufficient_scope"), requiredScopes };
    expect(headersOf(denied(verdict))["www-authenticate"]).toBe(
      'Bearer error="insufficient_scope", scope="orders:read admin"',
    );
  });

  test("has metadata of what is known", () => {
    const verdict: Deny = { ...deny("revoked"), revokedBy: { kind: "user", revocationId: "0190-id" } };
    expect(metadataOf(denied(verdict, { tier: "critical", rule: "3", issuerId: "main" }))).toEqual({
      decision: "deny",
      reason: "revoked",
      tier: "critical",
      rule: "3",
      issuer: "main",
      revocation_id: "0190-id",
    });
    const without: Deny = { ...deny("revoked"), revokedBy: { kind: "user", revocationId: undefined } };
    expect(metadataOf(denied(without))).not.toHaveProperty("revocation_id");
  });
});

describe("an allow", () => {
  const policy = compileIdentityPolicy({ headers: new Map([["x-auth-subject", "sub"]]), forwardToken: true });
  const allow = (facts: object): Allow =>
    ({ kind: "allow", principal: undefined, stalenessMs: undefined, ...facts }) as Allow;

  test("is OK with metadata of what it stands on", () => {
    const identity = compileIdentity(principalOf({ issuerId: "main" }), policy);
    if (!identity.ok) throw new Error(identity.error);
    const bytes = encoder.allow(
      allow({ assurance: "recent", stalenessMs: 812.4 }),
      identity.value.okFields("recent", 0),
      { tier: "low", rule: "read", issuerId: "main" },
      [],
    );
    const response = decodeCheckResponse(bytes);
    expect(response.status).toEqual({}); // there, with code 0
    expect(response.http_response).toBe("ok_response");
    expect(metadataOf(response)).toEqual({
      decision: "allow",
      reason: "ok",
      assurance: "recent",
      tier: "low",
      rule: "read",
      issuer: "main",
      staleness_ms: 812,
    });
  });

  test("of nobody says nothing that is not known", () => {
    const response = decodeCheckResponse(
      encoder.allow(allow({ assurance: "anonymous" }), policy.anonymous.okFields("anonymous", 0), NOBODY, []),
    );
    expect(metadataOf(response)).toEqual({ decision: "allow", reason: "ok", assurance: "anonymous" });
  });

  test("with a long identity has lengths of more than one byte in all the right places", () => {
    const identity = compileIdentity(principalOf({ subject: "s".repeat(4096) }), policy);
    if (!identity.ok) throw new Error(identity.error);
    const spoofed = Array.from({ length: 60 }, (_, index) => `x_auth_subject${index}`);
    const response = decodeCheckResponse(
      encoder.allow(allow({ assurance: "live", stalenessMs: 0 }), identity.value.okFields("live", 0), NOBODY, spoofed),
    );
    expect(response.ok_response?.headers[0]?.header.value).toBe("s".repeat(4096));
    expect(response.ok_response?.headers_to_remove).toEqual(expect.arrayContaining(spoofed));
    expect(metadataOf(response)).toMatchObject({ staleness_ms: 0 });
  });
});
