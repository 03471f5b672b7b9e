// Keys are fetched only from a server whose certificate is trusted.
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createCertificate } from "../support/certificate.ts";
import { jwksOf, keySourceOn, type TestKeySource } from "../support/jwks-server.ts";
import { createTestKey } from "../support/tokens.ts";

const { certificatePem, privateKeyPem } = createCertificate();
const known = getCACertificates("default");
let server: Server;
let requests: number;
let reader: TestKeySource;

beforeEach(async () => {
  requests = 0;
  server = createServer({ cert: certificatePem, key: privateKeyPem }, (_request, response) => {
    requests += 1;
    response.end(JSON.stringify({ keys: jwksOf(createTestKey("ES256", "k1")) }));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  reader = keySourceOn(`https://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`);
});

afterEach(async () => {
  setDefaultCACertificates(known);
  await reader.source.stop();
  await new Promise((closed) => server.close(closed));
});

test("keys are read over TLS from a server whose certificate is trusted", async () => {
  setDefaultCACertificates([...known, certificatePem]);
  await reader.source.start();
  expect(reader.source.status()).toMatchObject({ kids: ["k1"], lastError: undefined });
});

test("nothing is asked of a server whose certificate is not", async () => {
  await reader.source.start();
  expect(reader.source.status()).toMatchObject({ hasKeys: false, lastError: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  expect(requests).toBe(0);
});
