// The side of the service that only its operator and the company's own programs can reach: administration, sightings of
// tokens, health, metrics. Every call but health and metrics carries a token.
import { createHash, timingSafeEqual } from "node:crypto";
import fastify, { type FastifyInstance } from "fastify";
import { passwordFault, type Account, type Accounts } from "./accounts.ts";
import { makeResetLink } from "./account-pages.ts";
import { deviceContext } from "./device.ts";
import type { DeviceWatch } from "./device-watch.ts";
import type { KeyRing } from "./key-ring.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Outbox } from "./outbox.ts";
import type { Ending, Sessions } from "./sessions.ts";
import type { IdentityStore } from "./store/store.ts";

/** `admin` does everything, `report` tells where tokens were seen. */
export type Right = "admin" | "report";

export interface ApiToken {
  readonly name: string;
  /** Hexadecimal, of a token with at least 32 random bytes. */
  readonly sha256: string;
  readonly right: Right;
}

export interface PrivateParts {
  readonly issuer: string;
  readonly store: IdentityStore;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly devices: DeviceWatch;
  readonly keyRing: KeyRing;
  readonly outbox: Outbox | undefined;
  readonly tokens: readonly ApiToken[];
  readonly metrics: Metrics;
  readonly log: Log;
  /** After a change of the ring that shall show at once. */
  readonly takeUpKeys: () => Promise<void>;
}

interface NewUser {
  readonly username: string;
  readonly password: string;
  readonly sub?: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
}

interface Sighting {
  readonly jti: string;
  readonly user_agent: string;
  readonly address: string;
  readonly country?: string;
}

const NAME = { type: "string", minLength: 1, maxLength: 128 } as const;
const TEXT = { type: "string", maxLength: 1_024 } as const;
const MOST_SIGHTINGS = 1_000;

export function createPrivateApi(parts: PrivateParts): FastifyInstance {
  const api = fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false } } });
  api.setErrorHandler((error: { statusCode?: number; message: string }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) parts.log("private_api_failed", { failure: error.message });
    return reply.code(status).send({ error: status >= 500 ? "the store cannot be asked" : error.message });
  });
  addHealth(api, parts);
  void api.register(async (admin) => {
    admin.addHook("onRequest", async (request, reply) => allow(parts, ["admin"], request.headers.authorization, reply));
    addUsers(admin, parts);
    addKeys(admin, parts);
  });
  void api.register(async (reports) => {
    reports.addHook("onRequest", async (request, reply) =>
      allow(parts, ["admin", "report"], request.headers.authorization, reply),
    );
    addSightings(reports, parts);
  });
  return api;
}

async function allow(
  { tokens }: PrivateParts,
  rights: readonly Right[],
  authorization: string | undefined,
  reply: { code(status: number): { send(body: unknown): unknown } },
): Promise<unknown> {
  const given = createHash("sha256")
    .update(authorization?.replace(/^Bearer /i, "") ?? "")
    .digest();
  const known = tokens.find(({ sha256 }) => timingSafeEqual(Buffer.from(sha256, "hex"), given));
  if (known === undefined) return reply.code(401).send({ error: "a token is needed" });
  return rights.includes(known.right) ? undefined : reply.code(403).send({ error: "this token may not" });
}

function addHealth(api: FastifyInstance, { store, metrics }: PrivateParts): void {
  api.get("/livez", () => ({ live: true }));
  api.get("/readyz", async (_request, reply) => {
    const failure = await store.ping().then(
      () => undefined,
      () => "the store cannot be asked",
    );
    return reply.code(failure === undefined ? 200 : 503).send({ ready: failure === undefined, failure });
  });
  api.get("/metrics", async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}

function addUsers(api: FastifyInstance, { store, issuer, accounts, sessions, devices }: PrivateParts): void {
  const schema = {
    body: {
      type: "object",
      additionalProperties: false,
      required: ["username", "password", "tenant", "scopes"],
      properties: { username: NAME, password: TEXT, sub: NAME, tenant: NAME, scopes: { type: "array", items: NAME } },
    },
  };
  api.post<{ Body: NewUser }>("/users", { schema }, async ({ body }, reply) => {
    const fault = passwordFault(body.password);
    if (fault !== undefined) return reply.code(422).send({ error: `password: ${fault}` });
    if (!(await accounts.add(body))) return reply.code(409).send({ error: "the name or the sub is taken" });
    return reply.code(201).send(await accounts.byName(body.username));
  });

  /** What is done to a user that must exist. */
  const forUser = (path: string, act: (account: Account) => Promise<object>): void => {
    api.post<{ Params: { username: string } }>(`/users/:username/${path}`, async ({ params }, reply) => {
      const account = await accounts.byName(params.username);
      if (account === undefined) return reply.code(404).send({ error: "there is no such user" });
      const result = await act(account);
      return reply.code("delivered" in result && result.delivered === false ? 202 : 200).send(result);
    });
  };
  forUser("sign-out", async ({ sub }) => sessions.endAllOf(sub, "logout_all"));
  forUser("disable", async ({ sub }): Promise<Ending> => {
    await accounts.setDisabled(sub, true);
    return sessions.endAllOf(sub, "disabled");
  });
  forUser("enable", async ({ sub }) => {
    await accounts.setDisabled(sub, false);
    return { disabled: false };
  });
  forUser("password-reset", async ({ sub }) => makeResetLink({ store, accounts, issuer }, sub));

  api.get<{ Params: { username: string } }>("/users/:username/sessions", async ({ params }, reply) => {
    const account = await accounts.byName(params.username);
    if (account === undefined) return reply.code(404).send({ error: "there is no such user" });
    const sids = await sessions.ofUser(account.sub);
    const contexts = await Promise.all(sids.map((sid) => devices.deviceOf(sid)));
    return {
      sessions: sids.map((sid, index) => {
        const { device, network, country } = contexts[index] ?? {};
        return { sid, device, network, country };
      }),
    };
  });
  api.delete<{ Params: { sid: string } }>("/sessions/:sid", async ({ params }, reply) => {
    const ending = await sessions.end(params.sid, "admin");
    return reply.code(ending.delivered ? 200 : 202).send(ending);
  });
}

function addKeys(api: FastifyInstance, { keyRing, outbox, takeUpKeys }: PrivateParts): void {
  api.get("/keys", async () => ({ keys: await keyRing.states() }));
  api.post("/keys/rotate", async () => {
    const next = await keyRing.rotate();
    await takeUpKeys();
    return next;
  });
  api.get("/outbox", async () => ({ pending: (await outbox?.pending()) ?? [] }));
}

function addSightings(api: FastifyInstance, { devices }: PrivateParts): void {
  const sighting = {
    type: "object",
    additionalProperties: false,
    required: ["jti", "user_agent", "address"],
    properties: { jti: NAME, user_agent: TEXT, address: NAME, country: NAME },
  };
  const schema = { body: { type: "array", maxItems: MOST_SIGHTINGS, items: sighting } };
  api.post<{ Body: readonly Sighting[] }>("/sightings", { schema }, async ({ body }) => {
    const results: object[] = [];
    for (const { jti, user_agent: userAgent, address, country } of body) {
      const judged = await devices.judgeToken(jti, deviceContext(userAgent, address, country));
      results.push(judged === undefined ? { jti, known: false } : { jti, known: true, ...judged });
    }
    return { results };
  });
}
