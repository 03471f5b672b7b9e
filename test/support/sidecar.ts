// A real `portcullis serve` of a test's own, with an issuer's keys beside it and a gRPC client in front.

import { credentials, type Client } from "@grpc/grpc-js";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  AuthorizationClient,
  decodeCheckResponse,
  checkRequest,
  metadataOf,
  type CheckResponseMessage,
} from "./ext-authz-proto.ts";
import { startProcess, type RunningProcess } from "./process.ts";
import { createTestKey, signToken, type Json } from "./tokens.ts";
import { until } from "./wait.ts";

const PORTCULLIS = fileURLToPath(new URL("../../bin/portcullis", import.meta.url));
const KEY = createTestKey("ES256", "k1");
const ISSUER = "https://id.example.com";
const CHECK_PATH = "/envoy.service.auth.v3.Authorization/Check";

/** One answer, as a client of the contract sees it. */
export interface Answer {
  /** 200 for an allow. */
  readonly status: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly message: CheckResponseMessage;
  /** From the call to its answer. */
  readonly ms: number;
}

export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly host?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The caller's patience, sent as grpc-timeout. */
  readonly timeoutMs?: number;
}

export interface SidecarUnderTest {
  readonly process: RunningProcess;
  readonly opsUrl: string;
  readonly configFile: string;
  check(asked: Asked): Promise<Answer>;
  /** The value of a metric's series, 0 where it has none. `series` as in the exposition, labels included. */
  metric(series: string): Promise<number>;
  stop(): Promise<void>;
}

/** A token of user `sub`, good for ten minutes unless `claims` say otherwise. */
export function token(claims: Json = {}): string {
  const nowS = Math.floor(Date.now() / 1_000);
  return signToken(KEY, {
    iss: ISSUER,
    aud: "orders-api",
    sub: "alice",
    jti: randomUUID(),
    sid: randomUUID(),
    iat: nowS,
    exp: nowS + 600,
    ...claims,
  });
}

/** `yaml` follows `listen` and `issuers`. Resolves once it is ready, unless told not to wait for that. */
export async function startSidecar(
  yaml: string,
  options: { readonly waitUntilReady?: boolean } = {},
): Promise<SidecarUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-"));
  await writeFile(join(folder, "jwks.json"), JSON.stringify({ keys: [KEY.jwk] }));
  const configFile = join(folder, "portcullis.yaml");
  await writeFile(configFile, `${HEAD}${yaml}`);
  const process = startProcess(PORTCULLIS, ["serve", "--config", configFile]);
  const [, opsUrl = ""] = await process.line(/"part":"ops","address":"([^"]+)"/);
  const [, grpc = ""] = await process.line(/"part":"grpc","addresses":\["([^"]+)"/);
  const client = new AuthorizationClient(grpc, credentials.createInsecure());
  if (options.waitUntilReady !== false) {
    await until("the sidecar to be ready", async () => (await fetch(`${opsUrl}/readyz`)).status === 200);
  }
  return {
    process,
    opsUrl,
    configFile,
    check: (asked) => check(client, asked),
    async metric(series) {
      const text = await (await fetch(`${opsUrl}/metrics`)).text();
      const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    },
    async stop() {
      client.close();
      await process.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const HEAD = `
listen: { grpc: "127.0.0.1:0", ops: "127.0.0.1:0" }
issuers:
  - { issuer: "${ISSUER}", jwks: { file: jwks.json }, audiences: [orders-api], algorithms: [ES256] }
drain: { delay: 50ms }
`;

function check(client: Client, asked: Asked): Promise<Answer> {
  const headers = {
    ...asked.headers,
    ...(asked.token === undefined ? {} : { authorization: `Bearer ${asked.token}` }),
  };
  const { method = "GET", path, host = "api.example.com", timeoutMs } = asked;
  const bytes = checkRequest({ method, path, host, headers });
  const began = performance.now();
  const deadline = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      CHECK_PATH,
      (b: Buffer) => b,
      decodeCheckResponse,
      bytes,
      deadline,
      (error, message) => {
        if (error !== null || message === undefined) return reject(error ?? new Error("no answer"));
        const status = message.http_response === "ok_response" ? 200 : statusOf(message);
        resolve({ status, metadata: metadataOf(message), message, ms: performance.now() - began });
      },
    );
  });
}

/** Envoy's enum names its members by words. */
const STATUS: Readonly<Record<string, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  ServiceUnavailable: 503,
};

function statusOf(message: CheckResponseMessage): number {
  const code = message.denied_response?.status.code ?? "";
  return STATUS[code] ?? Number(code);
}
