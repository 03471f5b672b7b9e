// `listen.tls`: its files are found beside the configuration, and one that could serve nobody is refused before the
// start.
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import { createCertificate } from "../../support/certificate.ts";

const ISSUER = "issuers: [{ issuer: https://id.example.com, jwks: { discovery: true }, audiences: [orders] }]\n";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "portcullis-tls-"));
  const { certificatePem, privateKeyPem } = createCertificate();
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = { type: "pkcs8", format: "pem" } as const;
  const files = {
    "tls.crt": certificatePem,
    "tls.key": privateKeyPem,
    "other.key": privateKey.export(pem).toString(),
    "locked.key": privateKey.export({ ...pem, cipher: "aes-256-cbc", passphrase: "secret" }).toString(),
    "empty.crt": "",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(tls: string): ReturnType<typeof loadConfig> {
  return loadConfig(join(folder, "portcullis.yaml"), `${ISSUER}listen: { tls: ${tls} }\n`, {});
}

describe("listen.tls", () => {
  it("is none unless written, and names files beside the configuration", () => {
    const none = loadConfig("/etc/p.yaml", ISSUER, {});
    expect(none.ok && none.value.config.listen.tls).toBeUndefined();
    const some = load("{ certificateFile: tls.crt, keyFile: tls.key, clientCaFile: tls.crt }");
    expect(some.ok && some.value.config.listen.tls).toEqual({
      certificateFile: join(folder, "tls.crt"),
      keyFile: join(folder, "tls.key"),
      clientCaFile: join(folder, "tls.crt"),
    });
  });

  it.each([
    ["{ certificateFile: tls.crt }", "listen.tls.keyFile", "is missing"],
    ["{ certificateFile: gone.crt, keyFile: tls.key }", "listen.tls.certificateFile", "does not exist"],
    ["{ certificateFile: empty.crt, keyFile: tls.key }", "listen.tls.certificateFile", "holds no PEM certificate"],
    ["{ certificateFile: tls.crt, keyFile: tls.crt }", "listen.tls.keyFile", "holds no PEM private key"],
    ["{ certificateFile: tls.crt, keyFile: locked.key }", "listen.tls.keyFile", "without a passphrase"],
    ["{ certificateFile: tls.crt, keyFile: other.key }", "listen.tls.keyFile", "is not the key of the certificate"],
    [
      "{ certificateFile: tls.crt, keyFile: tls.key, clientCaFile: tls.key }",
      "listen.tls.clientCaFile",
      "holds no PEM certificate",
    ],
  ])("is refused where it could not be spoken: %s", (tls, path, problem) => {
    const loaded = load(tls);
    const problems = loaded.ok ? [] : loaded.error;
    expect(problems.map((found) => found.path)).toEqual([path]);
    expect(problems[0]?.problem).toContain(problem);
    expect(JSON.stringify(problems)).not.toContain("-----BEGIN");
  });
});
