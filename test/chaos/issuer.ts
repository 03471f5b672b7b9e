// An issuer whose keys rotate and whose key server fails as told, and the tokens of a run.

import { startJwksServer, serve, type JwksServer } from "../support/jwks-server.ts";
import type { Random } from "../support/random.ts";
import { createTestKey, signToken, type TestKey } from "../support/tokens.ts";
import type { Fault } from "./fault.ts";
import type { TokenFacts } from "./history.ts";

export const ISSUER = "https://id.example.com";
export const AUDIENCE = "orders-api";

/** Longer than any run; the shorter the lives, the less is left of a run in the store. */
const LIFETIME_S = 300;

export interface ChaosIssuer {
  readonly jwksUrl: string;
  readonly faults: readonly Fault[];
  /** A token for these, signed with the newest key. */
  sign(facts: TokenFacts): string;
  /** Forgets every key but the newest, for nobody holds a token of theirs any longer. */
  forgetOldKeys(): void;
  /** From now on it signs with a new key; the others stay in its set. */
  rotate(): void;
  mend(): void;
  stop(): Promise<void>;
}

export async function startChaosIssuer(): Promise<ChaosIssuer> {
  let count = 0;
  const makeKey = (): TestKey => createTestKey("ES256", `k${(count += 1)}`);
  let keys: readonly TestKey[] = [makeKey()];
  const answer = (): JwksServer["answer"] => serve(keys.map(({ jwk }) => jwk));
  const server = await startJwksServer(answer());
  const mend = (): void => void (server.answer = answer());
  const rotate = (): void => {
    keys = [...keys, makeKey()];
    mend();
  };
  return {
    jwksUrl: `${server.url}/jwks`,
    faults: [
      {
        name: "the key server is out",
        part: "issuer",
        async make(random: Random) {
          const hangs = random.chance(0.5);
          server.answer = (_request, response) => void (hangs || response.writeHead(500).end());
          return mend;
        },
      },
      {
        name: "the keys are rotated",
        part: "issuer",
        async make() {
          rotate();
          return () => undefined;
        },
      },
    ],
    sign({ jti, sid, sub, tenant, clientId, iatS }) {
      const key = keys.at(-1);
      if (key === undefined) throw new Error("an issuer without keys");
      const times = { iat: iatS, exp: iatS + LIFETIME_S };
      return signToken(key, { iss: ISSUER, aud: AUDIENCE, jti, sid, sub, tenant, client_id: clientId, ...times });
    },
    rotate,
    forgetOldKeys() {
      keys = keys.slice(-1);
      mend();
    },
    mend,
    stop: () => server.stop(),
  };
}
