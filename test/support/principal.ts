// Makes principals for tests of rooms that take one; verification itself is tested in test/unit/token.

import type { Principal, PrincipalFacts } from "../../src/core/principal.ts";

export function principalOf(facts: Partial<PrincipalFacts> = {}): Principal {
  return {
    issuerId: "main",
    issuer: "https://id.example.com",
    subject: "alice",
    tokenId: "jti-1",
    session: "sid-1",
    tenant: undefined,
    client: undefined,
    scopes: [],
    keyId: "k1",
    algorithm: "RS256",
    assertion: undefined,
    issuedAtS: 1_700_000_000,
    expiresAtS: 1_700_000_600,
    notBeforeS: undefined,
    confirmation: undefined,
    claims: {},
    ...facts,
  } as Principal;
}
