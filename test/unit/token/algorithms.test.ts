import { describe, expect, test } from "vitest";
import { ALGORITHMS } from "../../../src/token/algorithms.ts";
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
      verifier.verify(signToken(key, goodClaims()), now, now.monotonicMs + 5_000, undefined, () => {
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

  test("nobody waits beyond the deadline, and a late answer changes nothing", async () => {
    const { verifyLater } = verifierFor([issuerWith(keys, ["ES512"])], { verifiedTokens: 0 });
    const token = signToken(key, goodClaims());
    const others = Array.from({ length: 60 }, () => verifyLater(token));
    expect(reasonOf(await verifyLater(token, 0))).toBe("overloaded");
    expect((await Promise.all(others)).map(reasonOf)).not.toContain("overloaded");
    expect(reasonOf(await verifyLater(token))).toBe("ok");
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
