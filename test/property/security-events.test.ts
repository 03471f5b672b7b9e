// Whatever a sender signs: a security event names targets of issuers that he may speak of, or it is refused.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { meaningOf } from "../../src/control/ingress/event-meaning.ts";
import type { Directory } from "../../src/control/ingress/subject-identifier.ts";
import { SECURITY_EVENT_TOKEN } from "../../src/token/security-event-token.ts";
import type { Sender } from "../../src/token/sender.ts";
import type { VerifyKey } from "../../src/token/verify-key.ts";
import { runs } from "../support/fuzz-time.ts";

const NOW_MS = 1_800_000_000_000;
const SENDER = { audiences: ["portcullis"], clockSkewMs: 30_000 } as unknown as Sender;
const KEY = undefined as unknown as VerifyKey;
const DIRECTORY: Directory = {
  issuerIds: new Map([["https://id.example.com", "main"]]),
  fallback: "main",
  subjectFormats: ["email"],
};

const CAEP = "https://schemas.openid.net/secevent/caep/event-type/";
const RISC = "https://schemas.openid.net/secevent/risc/event-type/";
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    "https://id.example.com",
    "https://evil.example.com",
    "not-compliant",
    "compliant",
    "me@example.com",
    "",
  ),
);
const leaf: fc.Arbitrary<unknown> = fc.oneof(text, fc.jsonValue({ maxDepth: 1 }));
const format = fc.constantFrom(
  "iss_sub",
  "jwt_id",
  "opaque",
  "email",
  "complex",
  "aliases",
  "did",
  "phone_number",
  "x",
);
const simple = fc.record(
  {
    format: mostly(format, leaf),
    subject_type: leaf,
    iss: mostly(fc.constant("https://id.example.com"), leaf),
    sub: mostly(text, leaf),
    jti: mostly(text, leaf),
    id: mostly(text, leaf),
    email: mostly(text, leaf),
  },
  { requiredKeys: ["format"] },
);
const subject = fc.oneof(
  leaf,
  simple,
  fc.record({ format, user: fc.oneof(simple, leaf), session: fc.oneof(simple, leaf) }, { requiredKeys: [] }),
  fc.record({ format, identifiers: fc.oneof(leaf, fc.array(fc.oneof(simple, leaf), { maxLength: 20 })) }),
);
const eventType = fc.oneof(
  fc.constantFrom("session-revoked", "credential-change", "device-compliance-change").map((name) => CAEP + name),
  fc.constantFrom("account-disabled", "sessions-revoked", "account-purged").map((name) => RISC + name),
  text,
);
const payload = mostly(fc.record({ current_status: leaf, subject, event_timestamp: leaf }, { requiredKeys: [] }), leaf);
const claims = fc.record({
  jti: mostly(fc.constant("a"), leaf),
  iat: mostly(fc.constant(NOW_MS / 1000), leaf),
  aud: mostly(fc.constant("portcullis"), leaf),
  exp: mostly(fc.constant(undefined), leaf),
  nbf: mostly(fc.constant(undefined), leaf),
  sub_id: subject,
  events: mostly(fc.dictionary(eventType, payload, { minKeys: 1, maxKeys: 3 }), leaf),
});

/** As it should be, but for one in ten. */
function mostly(good: fc.Arbitrary<unknown>, other: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: other });
}

test("nothing but what its sender may name is ever named", () => {
  let acted = 0;
  fc.assert(
    fc.property(claims, (told) => {
      const token = SECURITY_EVENT_TOKEN.read(told, SENDER, KEY, NOW_MS);
      if (!token.ok) return;
      const meaning = meaningOf(token.value, DIRECTORY);
      if (!meaning.ok) {
        expect(meaning.error).not.toBe("");
        return;
      }
      acted += meaning.value.targets.length;
      for (const target of meaning.value.targets) {
        expect(["token", "session", "user"]).toContain(target.kind);
        expect(target).toMatchObject({ issuer: "main", id: expect.stringMatching(/./su) as string });
      }
    }),
    runs(5_000),
  );
  expect(acted, "some of them must mean something, or nothing was tried").toBeGreaterThan(50);
});
