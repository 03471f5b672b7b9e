// Signed identity in the file: off unless asked for, in a name of its own, by keys that can sign, which nobody is shown.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { formatConfig } from "../../../src/config/format.ts";
import { signingKeyPem } from "../../support/signing-keys.ts";
import { configWith, problemsWith } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "portcullis-signed-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const ed = file("ed.pem", signingKeyPem("EdDSA"));
const ec = file("ec.pem", signingKeyPem("ES256"));
const signed = (more: string, issuer = "https://guard.example.com"): string =>
  `identity: { signed: { issuer: "${issuer}", audience: orders, ${more} } }`;

describe("signed identity", () => {
  it("is off where nobody asks for it", () => {
    expect(configWith("").identity.signed).toBeUndefined();
  });

  it("takes keys of both kinds, and has defaults for the rest", () => {
    const { signed: config } = configWith(signed(`keyFiles: ["${ed}", "${ec}"]`)).identity;
    expect(config).toMatchObject({ header: "x-auth-identity", lifetimeMs: 60_000, keyFiles: [ed, ec] });
    expect(config?.keys.map((pem) => pem.split("\n")[0])).toEqual(Array(2).fill("-----BEGIN PRIVATE KEY-----"));
  });

  it("may name its header in any case", () => {
    const { identity } = configWith(signed(`keyFiles: ["${ed}"], header: X-Signed-User`));
    expect(identity.signed?.header).toBe("x-signed-user");
  });

  it("is shown without its keys", () => {
    const shown = formatConfig(configWith(signed(`keyFiles: ["${ed}"]`)));
    expect(shown).toContain(ed);
    expect(shown).not.toContain("PRIVATE");
    expect(configWith(shown.slice(shown.indexOf("identity:"), shown.indexOf("limits:"))).identity.signed).toEqual(
      configWith(signed(`keyFiles: ["${ed}"]`)).identity.signed,
    );
  });

  it.each([
    ["an RSA key", generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey],
    ["a key of another curve", generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey],
    ["a public key", generateKeyPairSync("ed25519").publicKey],
  ])("%s cannot sign", (_what, key) => {
    const type = key.type === "private" ? "pkcs8" : "spki";
    const path = file("other.pem", (key.export as (o: object) => string)({ type, format: "pem" }));
    expect(problemsWith(signed(`keyFiles: ["${ed}", "${path}"]`))).toEqual([
      "identity.signed.keyFiles[1]  the file holds no key that can sign identity",
    ]);
  });

  it("a file that is not there is told by its name", () => {
    expect(problemsWith(signed(`keyFiles: ["${folder}/none.pem"]`))[0]).toMatch(/none\.pem.*does not exist/);
  });

  it("needs a key, an issuer and an audience, and knows nothing else", () => {
    expect(problemsWith("identity: { signed: { keyFiles: [], key: x } }").map((line) => line.split("  ")[0])).toEqual([
      "identity.signed.issuer",
      "identity.signed.audience",
      "identity.signed.keyFiles",
      "identity.signed.key",
    ]);
  });

  it("speaks in nobody's name whose tokens are accepted", () => {
    expect(problemsWith(signed(`keyFiles: ["${ed}"]`, "https://id.example.com"))[0]).toMatch(
      /^identity\.signed\.issuer .*is an issuer whose tokens are accepted$/,
    );
  });

  it.each([
    ["X-Auth-Subject", /is the same header as "x-auth-subject"/],
    ["x_auth.subject", /is read as "x-auth-subject"/],
    ["authorization", /another meaning/],
    ["x auth identity", /no header name/],
  ])("%s is no header for it", (header, why) => {
    expect(problemsWith(signed(`keyFiles: ["${ed}"], header: "${header}"`))[0]).toMatch(why);
  });

  it.each(["4s", "11m"])("%s is no lifetime for it", (lifetime) => {
    expect(problemsWith(signed(`keyFiles: ["${ed}"], lifetime: ${lifetime}`))[0]).toMatch(
      /^identity\.signed\.lifetime/,
    );
  });
});
