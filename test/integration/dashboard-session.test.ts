// Signing in to the dashboard, what a session may do, and what ends it: a real control plane, by HTTP alone.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { CLIENT, startOpenidProvider, type OpenidProvider } from "../support/openid-provider.ts";
import { freePorts } from "../support/ports.ts";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";

let provider: OpenidProvider;
let redis: RedisProcess;
/** Two behind one name, as far as the provider and the browser can tell. */
let planes: readonly PortcullisProcess[];

beforeAll(async () => {
  [provider, redis] = await Promise.all([startOpenidProvider(), startRedis()]);
  const ports = await freePorts(2);
  planes = await Promise.all(ports.map((port) => startPlane(port, ports[0] ?? 0)));
});
afterAll(async () => {
  await Promise.all(planes.map((plane) => plane.stop()));
  await Promise.all([provider.stop(), redis.stop()]);
});

function startPlane(port: number, registered: number): Promise<PortcullisProcess> {
  return startPortcullis({
    command: "control",
    config: {
      listen: { control: `127.0.0.1:${port}` },
      issuers: [{ issuer: provider.issuer, jwks: { discovery: true }, audiences: ["orders-api"] }],
      store: { url: redis.url, timeout: "1s" },
      dashboard: {
        oidc: {
          issuer: provider.issuer,
          clientId: CLIENT.id,
          clientSecretFile: "client-secret",
          redirectUrl: `http://127.0.0.1:${registered}/dashboard/callback`,
        },
      },
    },
    files: { "client-secret": CLIENT.secret },
  });
}

const urlOf = (plane = 0): string => planes[plane]?.controlUrl ?? "";

interface SignedIn {
  readonly cookie: string;
  readonly csrf: string;
  readonly name: string;
  readonly scopes: readonly string[];
}

function cookieOf(response: Response, name: string): string {
  const found = response.headers.getSetCookie().find((cookie) => cookie.startsWith(`${name}=`));
  return found?.split(";")[0] ?? "";
}

/** The way of a browser, up to the provider's answer. */
async function begin(): Promise<{ readonly back: string; readonly cookie: string }> {
  const sent = await fetch(`${urlOf()}/dashboard/sign-in`, { redirect: "manual" });
  expect(sent.status).toBe(303);
  const authorized = await fetch(sent.headers.get("location") ?? "", { redirect: "manual" });
  expect(authorized.status).toBe(303);
  return { back: authorized.headers.get("location") ?? "", cookie: cookieOf(sent, "__Host-portcullis-sign-in") };
}

async function signIn(subject: string, scope: string): Promise<SignedIn> {
  provider.as(subject, scope);
  const { back, cookie } = await begin();
  const landed = await fetch(back, { headers: { cookie }, redirect: "manual" });
  const session = cookieOf(landed, "__Host-portcullis-session");
  const told = await (await call({ cookie: session }, "GET", "/dashboard/session")).json();
  return { cookie: session, ...(told as Omit<SignedIn, "cookie">) };
}

function call(
  { cookie, csrf }: { readonly cookie: string; readonly csrf?: string },
  method: string,
  path: string,
  body?: object,
  plane = 0,
): Promise<Response> {
  return fetch(`${urlOf(plane)}${path}`, {
    method,
    headers: {
      cookie,
      ...(csrf === undefined ? {} : { "x-portcullis-csrf": csrf }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { readonly code: string }).code;
}

const someUser = (): object => ({ target: { kind: "user", id: randomUUID() }, reason: "laptop stolen" });

describe("signing in", () => {
  test("ends in a cookie of this host alone, strict and closed to scripts, and no token is in any address or page", async () => {
    provider.as("ada", "portcullis:read");
    const sent = await fetch(`${urlOf()}/dashboard/sign-in`, { redirect: "manual" });
    expect(sent.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-portcullis-sign-in=[\w-]+; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=600$/),
    ]);
    const { back, cookie } = await begin();
    const landed = await fetch(back, { headers: { cookie }, redirect: "manual" });
    expect(landed.status).toBe(200);
    const [dropped, kept] = landed.headers.getSetCookie();
    expect(dropped).toMatch(/^__Host-portcullis-sign-in=; .*Max-Age=0$/);
    expect(kept).toMatch(
      /^__Host-portcullis-session=[\w-]+; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=5\d\d$/,
    );
    expect(kept?.length).toBeLessThan(4_096);
    for (const text of [sent.headers.get("location"), back, await landed.text()]) expect(text).not.toMatch(/eyJ/);
  });

  test("is of whom the provider names, with the scopes of the access token", async () => {
    expect(await signIn("ada lovelace", "portcullis:read orders:read")).toMatchObject({
      signed_in: true,
      name: "main/ada%20lovelace",
      scopes: ["portcullis:read", "orders:read"],
    });
  });

  test("is refused where the answer belongs to another sign-in, comes twice, or is nobody's", async () => {
    const [one, other] = [await begin(), await begin()];
    const landedAt = async (back: string, cookie: string): Promise<string> =>
      (await fetch(back, { headers: { cookie }, redirect: "manual" })).text();
    expect(await landedAt(one.back, other.cookie)).toContain("#/sign-in/refused");
    expect(await landedAt(one.back, "")).toContain("#/sign-in/refused");
    expect(await landedAt(other.back, other.cookie)).toContain('url=/"');
    expect(await landedAt(other.back, other.cookie)).toContain("#/sign-in/refused");
  });

  test("gives nothing to who may do nothing here", async () => {
    provider.as("bob", "orders:read");
    const { back, cookie } = await begin();
    const landed = await fetch(back, { headers: { cookie }, redirect: "manual" });
    expect(await landed.text()).toContain("#/sign-in/no_scope");
    expect(cookieOf(landed, "__Host-portcullis-session")).toBe("");
  });

  test("by a pasted token is closed where nobody opened it", async () => {
    const answer = await call({ cookie: "" }, "POST", "/dashboard/session", { token: "x".repeat(43) });
    expect(answer.status).toBe(404);
    expect(await (await call({ cookie: "" }, "GET", "/dashboard/session")).json()).toEqual({
      signed_in: false,
      by_provider: true,
      by_token: false,
    });
  });
});

describe("a session", () => {
  test("does what its person may, at every control plane, and stands in the audit trail by name", async () => {
    const ada = await signIn("ada", "portcullis:admin");
    for (const plane of [0, 1]) {
      expect((await call(ada, "GET", "/v1/revocations", undefined, plane)).status).toBe(200);
      expect((await call(ada, "POST", "/v1/revocations", someUser(), plane)).status).toBe(201);
    }
    const audit = (await (await call(ada, "GET", "/v1/audit")).json()) as { readonly items: readonly object[] };
    expect(audit.items[0]).toMatchObject({ actor: "main/ada", action: "revoke", reason: "laptop stolen" });
  });

  test("may no more than its person", async () => {
    const reader = await signIn("eve", "portcullis:read");
    expect((await call(reader, "GET", "/v1/fleet")).status).toBe(200);
    expect(await codeOf(await call(reader, "POST", "/v1/revocations", someUser()))).toBe("insufficient_scope");
  });

  test("writes nothing for a page that cannot show the session's own secret, and takes no other's", async () => {
    const [ada, other] = [await signIn("ada", "portcullis:admin"), await signIn("ada", "portcullis:admin")];
    for (const csrf of [undefined, "", "x".repeat(ada.csrf.length), "\u{e9}".repeat(ada.csrf.length), other.csrf]) {
      const forged = { cookie: ada.cookie, ...(csrf === undefined ? {} : { csrf }) };
      for (const [method, path] of [
        ["POST", "/v1/revocations"],
        ["POST", "/v1/revocations/preview"],
        ["DELETE", `/v1/revocations/${randomUUID()}`],
        ["DELETE", "/dashboard/session"],
      ] as const) {
        const answer = await call(forged, method, path, method === "POST" ? someUser() : undefined);
        expect([answer.status, await codeOf(answer)]).toEqual([403, "cross_site"]);
      }
    }
  });

  test("ends at once when its person is revoked", async () => {
    const [mallory, ada] = [await signIn("mallory", "portcullis:admin"), await signIn("ada", "portcullis:admin")];
    expect((await call(mallory, "GET", "/v1/fleet")).status).toBe(200);
    const revoked = await call(ada, "POST", "/v1/revocations", {
      target: { kind: "user", id: "mallory" },
      reason: "left",
    });
    expect(revoked.status).toBe(201);
    for (const plane of [0, 1]) expect((await call(mallory, "GET", "/v1/fleet", undefined, plane)).status).toBe(401);
    expect((await call(mallory, "POST", "/v1/revocations", someUser())).status).toBe(401);
    expect(await (await call(mallory, "GET", "/dashboard/session")).json()).toMatchObject({ signed_in: false });
  });

  test("is over everywhere once its person signs out: the token is revoked", async () => {
    const ada = await signIn("ada", "portcullis:read");
    const out = await call(ada, "DELETE", "/dashboard/session");
    expect(out.status).toBe(204);
    expect(out.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-portcullis-session=; .*Max-Age=0$/)]);
    for (const plane of [0, 1]) expect((await call(ada, "GET", "/v1/fleet", undefined, plane)).status).toBe(401);
  });

  test("is no session when its cookie was changed, is of another purpose, or comes twice", async () => {
    const ada = await signIn("ada", "portcullis:admin");
    const [name, value = ""] = ada.cookie.split("=");
    const changed = `${value.slice(0, -2)}${value.endsWith("AA") ? "BB" : "AA"}`;
    const { cookie: ofSignIn } = await begin();
    const cookies = [
      `${name}=${changed}`,
      `${name}=`,
      `${name}=${ofSignIn.split("=")[1] ?? ""}`,
      `${ada.cookie}; ${ada.cookie}`,
    ];
    for (const cookie of cookies) expect((await call({ cookie }, "GET", "/v1/fleet")).status).toBe(401);
  });

  test("opens a WebSocket for its own page, and for none of another origin", async () => {
    const { cookie } = await signIn("ada", "portcullis:read");
    const statusFor = (origin: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`${urlOf().replace("http", "ws")}/v1/events/ws`, { headers: { cookie }, origin });
        socket.on("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
        socket.on("open", () => {
          socket.close();
          resolve(101);
        });
        socket.on("error", reject);
      });
    expect(await statusFor(urlOf())).toBe(101);
    expect(await statusFor("https://evil.example")).toBe(403);
  });

  test("cannot be told good or bad while the store is out: nothing is let through, and nobody is signed out", async () => {
    const ada = await signIn("ada", "portcullis:admin");
    redis.pause();
    try {
      expect((await call(ada, "GET", "/v1/fleet")).status).toBe(503);
      const told = await call(ada, "GET", "/dashboard/session");
      expect([told.status, told.headers.getSetCookie()]).toEqual([503, []]);
      // The browser forgets it, and nobody is told that a copy of it is worth nothing.
      const out = await call(ada, "DELETE", "/dashboard/session");
      expect([out.status, cookieOf(out, "__Host-portcullis-session")]).toEqual([503, "__Host-portcullis-session="]);
    } finally {
      redis.resume();
    }
  });
});
