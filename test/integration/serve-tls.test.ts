// `serve` with TLS on its gRPC listener: certificates that change on disk are taken up, and those that fit nothing are not.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCertificate } from "../support/certificate.ts";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { JWKS } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const first = createCertificate();
const second = createCertificate();

let sidecar: PortcullisProcess;

beforeAll(async () => {
  sidecar = await startPortcullis({
    command: "serve",
    config: `listen:
  grpc: 127.0.0.1:0
  ops: 127.0.0.1:0
  tls: { certificateFile: tls.crt, keyFile: tls.key }
issuers:
  - { issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [orders-api] }
store: { type: memory }
drain: { delay: 50ms }
`,
    files: { "jwks.json": JWKS, "tls.crt": first.certificatePem, "tls.key": first.privateKeyPem },
  });
});

afterAll(() => sidecar.stop());

function write(name: string, text: string): void {
  writeFileSync(join(sidecar.folder, name), text);
}

/** What a client that believes in `certificatePem` finds. */
function isTrusted(certificatePem: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port: sidecar.grpcPort, host: "127.0.0.1", ca: certificatePem, ALPNProtocols: ["h2"] });
    socket.once("secureConnect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

test("a pair that does not fit is refused and the old one goes on; the next whole pair is taken up", async () => {
  expect(await isTrusted(first.certificatePem)).toBe(true);
  write("tls.key", second.privateKeyPem);
  await sidecar.process.line(/tls_refused/);
  expect(await isTrusted(first.certificatePem)).toBe(true);
  write("tls.crt", second.certificatePem);
  await until("the new certificate", () => isTrusted(second.certificatePem));
  expect(await isTrusted(first.certificatePem)).toBe(false);
  expect(sidecar.process.output()).not.toContain("-----BEGIN");
});
