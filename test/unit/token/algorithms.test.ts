// Every accepted algorithm verifies its own key's signatures and no others, on the event loop and off it, bounded and
// in time.
import { describe, expect, test } from "vitest";
import { ALGORITHMS } from "../../../src/core/algorithm.ts";
import { ecdsaDer } from "../../../src/token/ecdsa-der.ts";
import {
  createTestKey,
  goodClaims,
  issuerWith,
  keysByHand,
  reasonOf,
  signToken,
  verifierFor,
} from "../../support/tokens.ts";
import { until } from "../../support/wait.ts";

describe.each(ALGORITHMS)("%s", (alg) => {
  const key = createTestKey(alg, "k");
  const stranger = createTestKey(alg, "k");
  const keys = keysByHand([key.jwk], ALGORITHMS);
  const offLoop = alg === "ES384" || alg === "ES512";

  test("verifies what its key signed, again and again, and nothing another key signed", async () => {
    const { verifyLater } = verifierFor([issuerWith(keys, ALGORITHMS)], { verifiedTokens: 0 });
    for (let i = 0; i < 20; i += 1) {
      const claims = goodClaims({ jti: `token-${i}` });
      expect(reasonOf(await verifyLater(signToken(key, claims)))).toBe("ok");
      expect(reasonOf(await verifyLater(signToken(stranger, claims)))).toBe("bad_signature");
    }
  });

  test("refuses a signature of any other length", async () => {
    const { verifyLater } = verifierFor([issuerWith(keys, ALGORITHMS)]);
    const [header, payload, signature = ""] = signToken(key, goodClaims()).split(".");
    const bytes = Buffer.from(signature, "base64url");
    for (const other of [
      bytes.subarray(1),
      bytes.subarray(0, -1),
      Buffer.concat([bytes, Buffer.alloc(1)]),
      Buffer.concat([Buffer.alloc(1), bytes]),
      Buffer.alloc(0),
    ]) {
      expect(reasonOf(await verifyLater(`${header}.${payload}.${other.toString("base64url")}`))).toBe("bad_signature");
    }
    const zeros = Buffer.alloc(bytes.length).toString("base64url");
    expect(reasonOf(await verifyLater(`${header}.${payload}.${zeros}`))).toBe("bad_signature");
  });

  test(`is verified ${offLoop ? "off" : "on"} the loop`, async () => {
    const { verifier, clock } = verifierFor([issuerWith(keys, ALGORITHMS)]);
    const now = clock.now();
    let answered = false;
    await new Promise<void>((done) => {
      verifier.verify(Buffer.from(signToken(key, goodClaims())), now, now.monotonicMs + 5_000, undefined, () => {
        answered = true;
        done();
      });
      expect(answered).toBe(!offLoop);
    });
  });

  test("is named in the principal with the kid of the key that verified, whatever the header says", async () => {
    const { verifyLater } = verifierFor([issuerWith(keys, ALGORITHMS)]);
    const outcome = await verifyLater(signToken(key, goodClaims(), { kid: undefined }));
    expect(outcome.ok && outcome.value.principal).toMatchObject({ algorithm: alg, keyId: "k" });
  });
});

describe("off the loop", () => {
  const key = createTestKey("ES512", "k");
  const keys = keysByHand([key.jwk], ["ES512"]);

  test("more than the bound at once are told so at once, and the rest are answered", async () => {
    const { verifyLater } = verifierFor([issuerWith(keys, ["ES512"])], { verifiedTokens: 0 });
    const token = signToken(key, goodClaims());
    const reasons = (await Promise.all(Array.from({ length: 200 }, () => verifyLater(token)))).map(reasonOf);
    expect(reasons.filter((reason) => reason === "ok")).toHaveLength(64);
    expect(reasons.filter((reason) => reason === "overloaded")).toHaveLength(136);
    expect(reasonOf(await verifyLater(token))).toBe("ok");
  });

  test("nobody waits beyond the deadline, and everyone is answered once", async () => {
    const { verifier, verifyLater, clock } = verifierFor([issuerWith(keys, ["ES512"])], { verifiedTokens: 0 });
    const token = signToken(key, goodClaims());
    const answers: string[] = [];
    const ask = (deadlineInMs: number): void => {
      const now = clock.now();
      verifier.verify(Buffer.from(token), now, now.monotonicMs + deadlineInMs, undefined, (outcome) =>
        answers.push(reasonOf(outcome)),
      );
    };
    for (let i = 0; i < 60; i += 1) ask(5_000);
    for (let i = 0; i < 4; i += 1) ask(0);
    await until("all to be answered", () => answers.length >= 64);
    expect(answers.filter((reason) => reason === "overloaded")).toHaveLength(4);
    for (let i = 0; i < 4; i += 1) ask(40);
    await until("those with time to be answered", () => answers.length >= 68);
    // Longer than the deadlines of those just answered: a timer left behind would answer them again.
    const over = new Promise((resolve) => setTimeout(resolve, 60));
    expect(reasonOf(await verifyLater(token))).toBe("ok");
    await over;
    expect(answers).toHaveLength(68);
  });

  test("a token whose key left while a thread verified it is not remembered", async () => {
    const leaving = keysByHand([key.jwk], ["ES512"]);
    const { verifyLater } = verifierFor([issuerWith(leaving, ["ES512"])]);
    const token = signToken(key, goodClaims());
    const outcome = verifyLater(token);
    leaving.replace([createTestKey("ES512", "next").jwk]);
    expect(reasonOf(await outcome)).toBe("ok");
    expect(reasonOf(await verifyLater(token))).toBe("unknown_key");
  });

  test("a bug in what compiles a token refuses that token and no more", async () => {
    const { verifyLater } = verifierFor([issuerWith(keys, ["ES512"])], {
      compile: () => {
        throw new Error("a bug");
      },
    });
    expect(reasonOf(await verifyLater(signToken(key, goodClaims())))).toBe("internal_error");
  });
});

test("an ECDSA signature whose r and s have a zero byte more in front is not taken for the same (trap 15)", () => {
  const key = createTestKey("ES256", "k");
  const { verify } = verifierFor([issuerWith(keysByHand([key.jwk], ["ES256"]), ["ES256"])]);
  const [header, payload, signature = ""] = signToken(key, goodClaims()).split(".");
  const bytes = Buffer.from(signature, "base64url");
  const zero = Buffer.alloc(1);
  const padded = Buffer.concat([zero, bytes.subarray(0, 32), zero, bytes.subarray(32)]).toString("base64url");
  expect(reasonOf(verify(`${header}.${payload}.${padded}`))).toBe("bad_signature");
});

describe("ECDSA signatures as DER", () => {
  const hex = (text: string): Uint8Array => Buffer.from(text, "hex");
  test.each([
    ["plain", "0102", "3006020101020102"],
    ["a high bit gets a zero in front", "80ff", "300802020080020200ff"],
    ["leading zeros go", "00010002", "3006020101020102"],
  ])("%s", (_what, signature, der) => {
    expect(Buffer.from(ecdsaDer(hex(signature)) ?? []).toString("hex")).toBe(der);
  });

  test("r or s of zero is no signature (CVE-2022-21449)", () => {
    expect(ecdsaDer(hex("00000001"))).toBeUndefined();
    expect(ecdsaDer(hex("00010000"))).toBeUndefined();
    expect(ecdsaDer(new Uint8Array(132))).toBeUndefined();
  });

  test("P-521 needs the long form of the length", () => {
    const der = ecdsaDer(new Uint8Array(132).fill(0xff));
    expect(Buffer.from(der?.subarray(0, 5) ?? []).toString("hex")).toBe("30818a0243");
    expect(der).toHaveLength(3 + 0x8a);
  });
});
