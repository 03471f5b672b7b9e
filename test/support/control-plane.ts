// Starts a real control server on a free port over a memory store, and calls it by real HTTP.

import type { Clock } from "../../src/core/clock.ts";
import type { Log } from "../../src/core/log.ts";
import type { Authenticator } from "../../src/control/access.ts";
import { createAuditTrail } from "../../src/control/audit/trail.ts";
import { createBootstrapToken } from "../../src/control/bootstrap-token.ts";
import type { Ingress } from "../../src/control/ingress/ingress.ts";
import type { Introspect } from "../../src/control/introspection.ts";
import type { IssuerLimits } from "../../src/control/new-revocation.ts";
import type { TargetKind } from "../../src/core/target.ts";
import type { Rate } from "../../src/control/rate-limit.ts";
import { createControlServer } from "../../src/control/server.ts";
import { createMemoryStore } from "../../src/revocation/memory/store.ts";
import type { Relay } from "../../src/revocation/relay/relay.ts";
import type { RevocationStore } from "../../src/revocation/revocation-store.ts";
import { ISSUER } from "./tokens.ts";

export const realClock: Clock = { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) };

export const MAIN: IssuerLimits = { id: "main", issuer: ISSUER, maxLifetimeMs: 3_600_000, clockSkewMs: 30_000 };
export const PARTNER: IssuerLimits = {
  id: "partner",
  issuer: "https://partner.example.com",
  maxLifetimeMs: 7_200_000,
  clockSkewMs: 10_000,
};

export const CLOSED: Ingress = {
  oauthRevoke: undefined,
  backchannelLogout: undefined,
  securityEvents: undefined,
  globalRevocation: undefined,
  followed: [],
};

export interface ControlPlane {
  readonly url: string;
  readonly store: RevocationStore;
  readonly tokens: {
    readonly admin: string;
    readonly otherAdmin: string;
    readonly revoker: string;
    readonly otherRevoker: string;
    readonly reader: string;
    readonly sidecar: string;
  };
  /** Every line logged so far, as one text. */
  logged(): string;
  /** Entries of the audit trail that could not be stored at once. */
  auditFailures(): number;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  stop(): Promise<void>;
}

interface CallOptions {
  readonly token?: string | undefined;
  /** Sent as JSON unless it is text or bytes. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of an answer that is JSON. Which members there are depends on the call. */
  readonly json: AnswerJson;
}

interface AnswerJson {
  readonly id: string;
  readonly at: number;
  readonly issued_before: number;
  readonly items: readonly { readonly id: string; readonly target: { readonly id?: string } }[];
  readonly cursor?: string;
  readonly errors?: readonly { readonly pointer: string }[];
  readonly [other: string]: unknown;
}

export interface ControlPlaneOptions {
  readonly issuers?: readonly IssuerLimits[];
  readonly authenticators?: readonly Authenticator[];
  readonly introspect?: Introspect;
  /** Default: nothing is open. */
  readonly ingress?: Ingress;
  readonly secondPerson?: readonly TargetKind[];
  readonly relay?: Relay;
  readonly callerRate?: Rate;
  readonly strangerRate?: Rate;
  /** Of the server; the store and the trail keep the real one. */
  readonly clock?: Clock;
  /** Puts something between the server and its store. */
  readonly around?: (store: RevocationStore) => RevocationStore;
}

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const memory = createMemoryStore({ clock: realClock, keyPrefix: "" });
  const store = options.around?.(memory) ?? memory;
  const made = {
    admin: createBootstrapToken(),
    otherAdmin: createBootstrapToken(),
    revoker: createBootstrapToken(),
    otherRevoker: createBootstrapToken(),
    reader: createBootstrapToken(),
    sidecar: createBootstrapToken(),
  };
  const lines: string[] = [];
  let auditFailures = 0;
  const write = (event: string, fields?: object): void => void lines.push(JSON.stringify({ event, ...fields }));
  const log: Log = { info: write, warn: write, error: write };
  const server = createControlServer({
    ...options,
    store,
    issuers: options.issuers ?? [MAIN],
    keyPrefix: "",
    tokens: [
      { name: "root", sha256: made.admin.sha256, scopes: ["portcullis:admin"] },
      { name: "deputy", sha256: made.otherAdmin.sha256, scopes: ["portcullis:admin"] },
      { name: "ci", sha256: made.revoker.sha256, scopes: ["portcullis:revoke"] },
      { name: "desk", sha256: made.otherRevoker.sha256, scopes: ["portcullis:revoke"] },
      { name: "eye", sha256: made.reader.sha256, scopes: ["portcullis:read"] },
      { name: "fleet", sha256: made.sidecar.sha256, scopes: ["portcullis:sidecar"] },
    ],
    authenticators: options.authenticators ?? [],
    audit: createAuditTrail({
      store,
      secret: undefined,
      clock: realClock,
      log,
      observer: { auditFailed: (count) => void (auditFailures += count), audited: () => undefined },
      maxEntries: 100_000,
      keepMs: 86_400_000,
    }),
    secondPerson: options.secondPerson ?? [],
    explain: async () => ({ steps: [], verdict: { decision: "deny", reason: "missing_token", http_status: 401 } }),
    introspect: options.introspect ?? (async () => ({ ok: true, value: { active: false } })),
    ingress: options.ingress ?? CLOSED,
    clock: options.clock ?? realClock,
    log,
    listen: { host: "127.0.0.1", port: 0 },
    version: "0.0.0-test",
  });
  const url = await server.start();
  const tokens = {
    admin: made.admin.token,
    otherAdmin: made.otherAdmin.token,
    revoker: made.revoker.token,
    otherRevoker: made.otherRevoker.token,
    reader: made.reader.token,
    sidecar: made.sidecar.token,
  };
  return {
    url,
    store,
    tokens,
    auditFailures: () => auditFailures,
    logged: () => lines.join("\n"),
    call: (method, path, sent) => call(new URL(path, url), method, sent === undefined ? { token: tokens.admin } : sent),
    stop: () => server.stop(1_000),
  };
}

async function call(url: URL, method: string, { token, body, headers }: CallOptions): Promise<Answer> {
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

function parse(text: string): AnswerJson {
  try {
    return JSON.parse(text) as AnswerJson;
  } catch {
    return {} as AnswerJson;
  }
}
