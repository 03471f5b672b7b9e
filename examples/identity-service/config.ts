// The configuration file of the identity service: what may be in it and what holds where it is silent. Reads; opens nothing.
import { z } from "zod";
import { parse } from "yaml";
import type { NewAccount } from "./accounts.ts";
import { DEFAULT_POLICY } from "./device-watch.ts";
import type { IdentityOptions } from "./service.ts";

const HOUR_MS = 3_600_000;

const address = z
  .string()
  .regex(/^[^:]+:\d+$/, "host:port")
  .transform((text) => {
    const [host = "", port = ""] = text.split(":");
    return { host, port: Number(port) };
  });
const action = z.enum(["log", "step-up", "revoke"]);

const api = z.strictObject({ audience: z.string().min(1), scopes: z.array(z.string().min(1)).default([]) });

const schema = z.strictObject({
  /** Where browsers reach it; an origin. The `iss` of its tokens. */
  issuer: z.url().refine((text) => new URL(text).origin === text, "an origin: no path, no slash at its end"),
  listen: address.prefault("127.0.0.1:8081"),
  /** Administration, sightings, health, metrics. Not for the internet. */
  privateListen: address.prefault("127.0.0.1:8082"),
  /** A SQLite file, or redis://…, or rediss://… for several processes. */
  store: z.string().default("identity.db"),
  storeKeyPrefix: z.string().default("identity:"),
  /** What access tokens are for: the first, unless a client names another as its `api`. */
  apis: z.tuple([api], api),
  clients: z.array(z.looseObject({ client_id: z.string().min(1) })).default([]),
  /** Short: what nobody told Portcullis about is over so soon. */
  accessTokenTtlS: z.number().int().min(300).max(900).default(600),
  sessionTtlS: z
    .number()
    .int()
    .min(900)
    .default(14 * 86_400),
  /** Longer than a client's time-out and its second try; short enough that a thief rarely falls into it. */
  refreshGraceMs: z.number().int().min(0).max(60_000).default(10_000),
  keys: z
    .strictObject({
      rotateEveryMs: z
        .number()
        .int()
        .min(HOUR_MS)
        .default(30 * 24 * HOUR_MS),
      /** Verifiers look for new keys at least so often. */
      publishLeadMs: z.number().int().min(0).default(HOUR_MS),
    })
    .prefault({}),
  devicePolicy: z
    .strictObject({
      device: action.default(DEFAULT_POLICY.device),
      network: action.default(DEFAULT_POLICY.network),
      country: action.default(DEFAULT_POLICY.country),
    })
    .prefault({}),
  /** Proxies before it that append to x-forwarded-for. */
  trustedProxies: z.number().int().min(0).default(0),
  /** In which the last of them tells a browser's country, such as cf-ipcountry. */
  countryHeader: z
    .string()
    .regex(/^[\w-]+$/)
    .optional(),
  portcullis: z.strictObject({ url: z.url(), issuerId: z.string().default("main"), tokenFile: z.string() }).optional(),
  apiTokens: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        right: z.enum(["admin", "report"]),
      }),
    )
    .default([]),
  /** Made at the start where they are missing. For examples; in earnest POST /users. */
  accounts: z
    .array(
      z.strictObject({
        username: z.string().min(1),
        password: z.string().min(8),
        sub: z.string().optional(),
        tenant: z.string().min(1),
        scopes: z.array(z.string()),
      }),
    )
    .default([]),
});

/** The options of the service, the store as an address, and who may log in from the start. */
export interface IdentityConfig extends Omit<IdentityOptions, "store" | "log"> {
  readonly store: string;
  readonly storeKeyPrefix: string;
  readonly accounts: readonly NewAccount[];
}

/** `${NAME}` stands for a variable of `env`. Throws with all problems, or with the variable that is not set. */
export function readConfig(text: string, env: Readonly<Record<string, string | undefined>>): IdentityConfig {
  const filled = text.replaceAll(/\$\{([A-Z0-9_]+)\}/g, (_, name: string) => {
    const value = env[name];
    if (value === undefined) throw new Error(`the variable ${name} is not set`);
    return value;
  });
  const result = schema.safeParse(parse(filled));
  if (!result.success) throw new Error(z.prettifyError(result.error));
  const { portcullis, countryHeader, ...rest } = result.data;
  if (countryHeader !== undefined && rest.trustedProxies === 0)
    throw new Error("countryHeader is believed of a proxy alone: trustedProxies must not be 0");
  return { ...rest, portcullis, countryHeader };
}
