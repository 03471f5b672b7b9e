// rediss:// is verified: a certificate that nobody trusts is refused, before any credential is sent.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRedisStore } from "../support/redis-store.ts";
import { freePorts } from "../support/ports.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";

const directory = mkdtempSync(join(tmpdir(), "redis-tls-"));
const certificate = join(directory, "cert.pem");
const trusted = getCACertificates();
let redis: RedisProcess;
let tlsPort: number;

beforeAll(async () => {
  const key = join(directory, "key.pem");
  execFileSync(
    "openssl",
    [
      ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost".split(" "),
      "-addext",
      "subjectAltName=DNS:localhost",
      "-keyout",
      key,
      "-out",
      certificate,
    ],
    { stdio: "ignore" },
  );
  [tlsPort = 0] = await freePorts(1);
  redis = await startRedis({
    args: [
      "--tls-port",
      String(tlsPort),
      "--tls-cert-file",
      certificate,
      "--tls-key-file",
      key,
      "--tls-auth-clients",
      "no",
    ],
  });
});

afterAll(async () => {
  setDefaultCACertificates(trusted);
  await redis.stop();
  rmSync(directory, { recursive: true });
});

test("a certificate that nobody trusts is refused", async () => {
  const { store, untilLookUp } = await openRedisStore(`rediss://localhost:${tlsPort}`, { waitUntilReachable: false });
  try {
    await untilLookUp(5_000, "protocol");
    expect(store.health().describe).toContain("DEPTH_ZERO_SELF_SIGNED_CERT");
  } finally {
    await store.stop();
  }
});

test("a certificate for another name is refused", async () => {
  setDefaultCACertificates([...trusted, readFileSync(certificate, "utf8")]);
  const { store, untilLookUp } = await openRedisStore(`rediss://127.0.0.1:${tlsPort}`, { waitUntilReachable: false });
  try {
    expect(await untilLookUp(5_000, "protocol")).toBe("protocol");
  } finally {
    await store.stop();
  }
});

test("a trusted certificate for the name is used", async () => {
  setDefaultCACertificates([...trusted, readFileSync(certificate, "utf8")]);
  const { store, lookUp } = await openRedisStore(`rediss://localhost:${tlsPort}`);
  expect(await lookUp()).toBe("answered");
  expect(store.health().describe).toContain(`rediss://localhost:${tlsPort}/0`);
  await store.stop();
});
