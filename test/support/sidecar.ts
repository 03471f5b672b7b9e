// A real sidecar of a test's own, with an issuer's keys beside it and a gRPC client in front.

import { credentials, Metadata, type Client } from "@grpc/grpc-js";
import { randomUUID } from "node:crypto";
import {
  AuthorizationClient,
  decodeCheckResponse,
  checkRequest,
  metadataOf,
  type CheckResponseMessage,
} from "./ext-authz-proto.ts";
import { startPortcullis, type PortcullisProcess } from "./portcullis.ts";
import { createTestKey, signToken, type Json, type TestKey } from "./tokens.ts";

const KEY = createTestKey("ES256", "k1");
const ISSUER = "https://id.example.com";
const CHECK_PATH = "/envoy.service.auth.v3.Authorization/Check";

/** One answer, as a client sees it. */
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
  /** Of the gRPC call: Envoy's own. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The caller's patience, sent as grpc-timeout. */
  readonly timeoutMs?: number;
}

export interface SidecarUnderTest extends PortcullisProcess {
  check(asked: Asked): Promise<Answer>;
  /** The value of a metric's series, 0 where it has none. `series` as in the exposition, labels included. */
  metric(series: string): Promise<number>;
}

export interface SidecarOptions {
  readonly command?: "serve" | "dev";
  readonly env?: Readonly<Record<string, string>>;
  readonly waitUntilReady?: boolean;
}

/** A token of user `sub`, good for ten minutes unless `claims` say otherwise; of the sidecar's issuer's key. */
export function token(claims: Json = {}, header: Json = {}, key: TestKey = KEY): string {
  const nowS = Math.floor(Date.now() / 1_000);
  return signToken(
    key,
    {
      iss: ISSUER,
      aud: "orders-api",
      sub: "alice",
      jti: randomUUID(),
      sid: randomUUID(),
      iat: nowS,
      exp: nowS + 600,
      ...claims,
    },
    header,
  );
}

/** The key that `token` signs with, as a JWKS. */
export const JWKS: string = JSON.stringify({ keys: [KEY.jwk] });

/**
 * `yaml` stands for the rest of the configuration; the issuer of `token` and a short drain are added where it has none
 * of its own. Resolves once it is ready, unless told not to wait for that.
 */
export async function startSidecar(yaml: string, options: SidecarOptions = {}): Promise<SidecarUnderTest> {
  const { command = "serve", env = {}, waitUntilReady = true } = options;
  const own = Object.entries(OWN_BLOCKS).filter(([name]) => !new RegExp(`^${name}:`, "m").test(yaml));
  const config = `${own.map(([, block]) => block).join("")}${yaml}`;
  const sidecar = await startPortcullis({ command, config, env, files: { "jwks.json": JWKS }, waitUntilReady });
  const caller = callerOf(sidecar.grpcAddress);
  return {
    ...sidecar,
    check: caller.check,
    async metric(series) {
      const text = await (await fetch(`${sidecar.opsUrl}/metrics`)).text();
      const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    },
    async stop() {
      caller.close();
      await sidecar.stop();
    },
  };
}

export interface Caller {
  check(asked: Asked): Promise<Answer>;
  close(): void;
}

/** `address` as a sidecar reports it. */
export function callerOf(address: string): Caller {
  const client = new AuthorizationClient(address, credentials.createInsecure());
  return { check: (asked) => check(client, asked), close: () => client.close() };
}

const OWN_BLOCKS: Readonly<Record<string, string>> = {
  issuers: `issuers:
  - { issuer: "${ISSUER}", jwks: { file: jwks.json }, audiences: [orders-api], algorithms: [ES256] }
`,
  drain: "drain: { delay: 50ms }\n",
};

function check(client: Client, asked: Asked): Promise<Answer> {
  const headers = {
    ...asked.headers,
    ...(asked.token === undefined ? {} : { authorization: `Bearer ${asked.token}` }),
  };
  const { method = "GET", path, host = "api.example.com", timeoutMs } = asked;
  const bytes = checkRequest({ method, path, host, headers });
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(asked.metadata ?? {})) metadata.set(name, value);
  const began = performance.now();
  const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
  const asItIs = (message: Buffer): Buffer => message;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(CHECK_PATH, asItIs, decodeCheckResponse, bytes, metadata, options, (error, message) => {
      if (error !== null || message === undefined) return reject(error ?? new Error("no answer"));
      const status = message.http_response === "ok_response" ? 200 : statusOf(message);
      resolve({ status, metadata: metadataOf(message), message, ms: performance.now() - began });
    });
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
