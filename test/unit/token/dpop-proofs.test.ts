// What a DPoP proof must be (RFC 9449 §4.3): each check of the list is seen to refuse what fails it alone. Proofs are jose's.

import { generateKeyPair } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import type { Confirmation } from "../../../src/core/possession.ts";
import { createPossessionJudge, type PossessionOptions, type ShownBySender } from "../../../src/token/possession.ts";
import { createDpopClient, type DpopClient, type ProofParts } from "../../support/dpop.ts";

const URI = "https://api.example.com/orders";
const TOKEN = "a.b.c";
const OPTIONS: PossessionOptions = {
  algorithms: ["ES256", "EdDSA", "PS256", "RS256", "ES384"],
  maxAgeMs: 60_000,
  clockSkewMs: 10_000,
  maxSeenProofs: 1_000,
  nonceRequired: false,
  nonceSecret: undefined,
  maxWaiting: 10,
  clock: { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) },
};

interface Shown extends Partial<ShownBySender> {
  readonly atMs?: number;
}

type Judge = (proof: string | undefined, shown?: Shown, confirmation?: Confirmation) => Promise<string>;

let client: DpopClient;
beforeAll(async () => {
  client = await createDpopClient();
});

/** "ok", "ok, next nonce", or the flaw with what the client is told. */
function judgeWith(changes: Partial<PossessionOptions> = {}): Judge {
  let now = OPTIONS.clock.now();
  // What waits for its turn is judged by the clock, which stands where the call began.
  const judge = createPossessionJudge({ ...OPTIONS, clock: { now: () => now }, ...changes });
  return (proof, { atMs = Date.now(), ...shown } = {}, confirmation = { jkt: client.jkt, x5tS256: undefined }) => {
    now = { monotonicMs: performance.now() + atMs - Date.now(), wallMs: atMs };
    const facts: ShownBySender = {
      scheme: "DPoP",
      token: Buffer.from(TOKEN),
      method: "GET",
      proof: proof === undefined ? undefined : Buffer.from(proof),
      certificate: "",
      isTarget: (htu) => htu === URI,
      ...shown,
    };
    return new Promise((resolve) => {
      judge.judge(confirmation, facts, now, now.monotonicMs + 5_000, (outcome) => {
        if (outcome.ok) resolve(outcome.value.nextNonce === undefined ? "ok" : "ok, next nonce");
        else resolve(`${outcome.error.flaw}: ${outcome.error.challenge?.error ?? outcome.error.reason}`);
      });
    });
  };
}

const made = (parts: Partial<ProofParts> = {}): Promise<string> => client.proof({ uri: URI, token: TOKEN, ...parts });
const invalid = (flaw: string): string => `${flaw}: invalid_dpop_proof`;

test.each(["ES256", "EdDSA", "PS256", "RS256", "ES384"])("a good proof by %s is taken", async (alg) => {
  const own = await createDpopClient(alg);
  const proof = await own.proof({ uri: URI, token: TOKEN });
  expect(await judgeWith()(proof, {}, { jkt: own.jkt, x5tS256: undefined })).toBe("ok");
});

describe("a proof is refused", () => {
  const nowS = Math.floor(Date.now() / 1_000);
  test.each<[string, Partial<ProofParts>, string]>([
    ["of another type", { header: { typ: "JWT" } }, "proof_malformed"],
    ["without a type", { header: { typ: undefined } }, "proof_malformed"],
    ["with an empty jti", { claims: { jti: "" } }, "proof_malformed"],
    ["without a key", { header: { jwk: undefined } }, "proof_malformed"],
    ["with a URL of a key besides", { header: { jku: "https://evil.example" } }, "proof_malformed"],
    ["without jti", { claims: { jti: undefined } }, "proof_malformed"],
    ["with a jti that is no text", { claims: { jti: 7 } }, "proof_malformed"],
    ["with a jti too long to remember", { claims: { jti: "j".repeat(257) } }, "proof_malformed"],
    ["without htm", { claims: { htm: undefined } }, "proof_malformed"],
    ["without htu", { claims: { htu: undefined } }, "proof_malformed"],
    ["without iat", { claims: { iat: undefined } }, "proof_malformed"],
    ["with an iat that is text", { claims: { iat: String(nowS) } }, "proof_malformed"],
    ["without ath", { claims: { ath: undefined } }, "proof_malformed"],
    ["of another method", { method: "POST" }, "proof_target"],
    ["of a method in other letters", { method: "get" }, "proof_target"],
    ["of another address", { uri: "https://api.example.com/admin" }, "proof_target"],
    ["of another token", { token: "x.y.z" }, "proof_token"],
    ["that is too old", { claims: { iat: nowS - 120 } }, "proof_time"],
    ["from the future", { claims: { iat: nowS + 60 } }, "proof_time"],
  ])("%s", async (_what, parts, flaw) => {
    expect(await judgeWith()(await made(parts))).toBe(invalid(flaw));
  });

  test("that another key signed", async () => {
    const { privateKey: signWith } = await generateKeyPair("ES256");
    expect(await judgeWith()(await made({ signWith }))).toBe(invalid("proof_signature"));
  });

  test("of another key than the token's", async () => {
    const thief = await createDpopClient();
    expect(await judgeWith()(await thief.proof({ uri: URI, token: TOKEN }))).toBe(invalid("proof_key"));
  });

  test("that brings its private key, though the same key was taken without", async () => {
    const judge = judgeWith();
    expect(await judge(await made())).toBe("ok");
    expect(await judge(await made({ header: { jwk: client.privateJwk } }))).toBe(invalid("proof_key"));
  });

  test("by an algorithm that is not listed", async () => {
    expect(await judgeWith({ algorithms: ["EdDSA"] })(await made())).toBe(invalid("proof_malformed"));
  });

  test("whose bytes could be read twice", async () => {
    const [header = "", , signature = ""] = (await made()).split(".");
    const twice = Buffer.from('{"jti":"1","jti":"2"}').toString("base64url");
    expect(await judgeWith()(`${header}.${twice}.${signature}`)).toBe(invalid("proof_malformed"));
    expect(await judgeWith()("not a proof")).toBe(invalid("proof_malformed"));
  });
});

describe("the second use of a proof", () => {
  test("is refused for as long as the proof is good", async () => {
    const judge = judgeWith();
    const began = Date.now();
    const proof = await made({ claims: { iat: Math.floor(began / 1_000) + 5 } });
    expect(await judge(proof, { atMs: began })).toBe("ok");
    for (const laterMs of [0, 30_000, 69_000]) {
      expect(await judge(proof, { atMs: began + laterMs })).toBe(invalid("proof_replayed"));
    }
    expect(await judge(proof, { atMs: began + 80_000 })).toBe(invalid("proof_time"));
  });

  test("a proof that was refused is not used up", async () => {
    const judge = judgeWith();
    const proof = await made();
    expect(await judge(proof, { method: "POST" })).toBe(invalid("proof_target"));
    expect(await judge(proof)).toBe("ok");
  });

  test("where no more can be remembered, calls are refused and nothing is forgotten", async () => {
    const judge = judgeWith({ maxSeenProofs: 4 });
    const [first, second, third] = [await made(), await made(), await made()];
    expect([await judge(first), await judge(second)]).toEqual(["ok", "ok"]);
    expect(await judge(third)).toBe("proofs_overloaded: overloaded");
    expect(await judge(first)).toBe(invalid("proof_replayed"));
    expect(await judge(await made(), { atMs: Date.now() + 1 })).toBe("proofs_overloaded: overloaded");
  });

  test("one key has room for as many as are left: its flood ends nobody else's calls", async () => {
    const judge = judgeWith({ maxSeenProofs: 8 });
    const said: string[] = [];
    for (let i = 0; i < 10; i += 1) said.push(await judge(await made()));
    expect(said).toEqual([...Array<string>(4).fill("ok"), ...Array<string>(6).fill("proofs_overloaded: overloaded")]);
    const other = await createDpopClient();
    const proof = await other.proof({ uri: URI, token: TOKEN });
    expect(await judge(proof, {}, { jkt: other.jkt, x5tS256: undefined })).toBe("ok");
    expect(await judge(proof, {}, { jkt: other.jkt, x5tS256: undefined })).toBe(invalid("proof_replayed"));
  });
});

describe("nonces", () => {
  const SHARED = { nonceRequired: true, nonceSecret: "a secret of thirty-two characters" };

  /** The nonce that a refusal names. */
  async function nonceOf(changes: Partial<PossessionOptions>, atMs: number): Promise<string> {
    const judge = createPossessionJudge({ ...OPTIONS, ...changes });
    const shown = { scheme: "DPoP" as const, token: Buffer.from(TOKEN), method: "GET", certificate: "" };
    const proof = Buffer.from(await made());
    return new Promise((resolve, reject) => {
      const now = { monotonicMs: 0, wallMs: atMs };
      judge.judge(
        { jkt: client.jkt, x5tS256: undefined },
        { ...shown, proof, isTarget: () => true },
        now,
        5_000,
        (said) => {
          if (said.ok || said.error.challenge?.nonce === undefined) reject(new Error("no nonce"));
          else resolve(said.error.challenge.nonce);
        },
      );
    });
  }

  test("a proof without one, or with a stranger's, is told to use one", async () => {
    const judge = judgeWith(SHARED);
    expect(await judge(await made())).toBe("proof_nonce: use_dpop_nonce");
    expect(await judge(await made({ claims: { nonce: "made-up" } }))).toBe("proof_nonce: use_dpop_nonce");
  });

  test("of one secret they are good at every sidecar; of each its own, at no other", async () => {
    const nonce = await nonceOf(SHARED, Date.now());
    expect(await judgeWith(SHARED)(await made({ claims: { nonce } }))).toMatch(/^ok/);
    const own = await nonceOf({ nonceRequired: true }, Date.now());
    expect(await judgeWith({ nonceRequired: true })(await made({ claims: { nonce: own } }))).toBe(
      "proof_nonce: use_dpop_nonce",
    );
  });

  test("of the period before they are good, and replaced; older ones are not", async () => {
    const atMs = Date.now();
    const judge = judgeWith(SHARED);
    const previous = await nonceOf(SHARED, atMs - 120_000);
    const old = await nonceOf(SHARED, atMs - 240_000);
    expect(await judge(await made({ claims: { nonce: previous } }), { atMs })).toBe("ok, next nonce");
    expect(await judge(await made({ claims: { nonce: old } }), { atMs })).toBe("proof_nonce: use_dpop_nonce");
  });
});

test("a bound token by the scheme Bearer is nobody's, with a proof beside it too", async () => {
  expect(await judgeWith()(await made(), { scheme: "Bearer" })).toBe("bound_token_as_bearer: invalid_token");
  expect(await judgeWith()(undefined)).toBe("bound_token_as_bearer: invalid_token");
});
