// The side of the service that everybody can reach: oidc-provider's endpoints, the log-in page, the account page. Holds an
// answer back until what it ended is ended everywhere, or is known not to be.
import type { EventEmitter } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { KoaContextWithOIDC, Provider } from "oidc-provider";
import { answerAccount, type AccountParts } from "./account-pages.ts";
import type { Log } from "./log.ts";
import { answerLogin, type LoginParts } from "./login.ts";
import type { Metrics } from "./metrics.ts";
import { contentSecurityPolicy } from "./pages/layout.ts";
import { messagePage } from "./pages/pages.ts";
import { completeIntrospection, createProvider, type ProviderParts } from "./provider.ts";
import type { SigningKeys } from "./key-ring.ts";
import type { Ending } from "./sessions.ts";

export interface PublicParts extends ProviderParts, LoginParts, AccountParts {
  readonly metrics: Metrics;
  readonly log: Log;
}

export interface PublicServer {
  readonly server: Server;
  /** Whoever comes from now on is served with these keys; who was served before is served to the end. */
  use(keys: SigningKeys): void;
}

export function createPublicServer(parts: PublicParts): PublicServer {
  let handle: ReturnType<Provider["callback"]> | undefined;
  let kids = "";
  const server = createServer((request, response) => {
    if (handle === undefined) response.writeHead(503).end();
    else void handle(request, response);
  });
  return {
    server,
    use(keys) {
      const now = [keys.kid, ...keys.keys.map(({ kid }) => kid as string)].join(" ");
      if (now === kids) return;
      kids = now;
      handle = assemble(parts, keys).callback();
    },
  };
}

function assemble(parts: PublicParts, keys: SigningKeys): Provider {
  const provider = createProvider(parts, keys);
  const policy = contentSecurityPolicy(formTargets(parts));
  const isSecure = parts.issuer.startsWith("https:");
  const endings = new WeakMap<object, Promise<Ending>[]>();

  provider.use(async (ctx, next) => {
    ctx.set("content-security-policy", policy);
    ctx.set("x-content-type-options", "nosniff");
    ctx.set("referrer-policy", "same-origin"); // "no-referrer" would have browsers send `Origin: null`
    ctx.set("cross-origin-opener-policy", "same-origin");
    ctx.set("cache-control", "no-store");
    if (isSecure) ctx.set("strict-transport-security", "max-age=63072000");
    const asked = ctx as KoaContextWithOIDC;
    try {
      if ((await answerLogin(asked, provider, parts)) || (await answerAccount(asked, provider, parts))) return;
    } catch (error) {
      parts.log("page_failed", { path: ctx.path.split("/")[1], failure: String(error) });
      ctx.status = 503;
      ctx.body = messagePage("Not now", "Something we need does not answer. Please try again in a minute.");
      return;
    }
    await next();
    if (routeOf(asked) === "introspection") completeIntrospection(asked);
    const ended = await Promise.all([...(endings.get(ctx) ?? []), logoutEnding(asked, parts)]);
    // Only our own page can say so; a client's page is reached by the client's own address.
    if (ended.some(({ delivered }) => !delivered) && ctx.status === 303) markLate(asked, parts.issuer);
  });
  provider.on("grant.revoked", (ctx, grantId) => {
    endings.set(ctx, [...(endings.get(ctx) ?? []), parts.sessions.endGrant(grantId)]);
  });
  provider.on("grant.error", (ctx) => {
    if (ctx.oidc.params?.["grant_type"] === "refresh_token") parts.metrics.refreshes.inc({ result: "refused" });
  });
  provider.on("server_error", (ctx, error) =>
    parts.log("server_error", { route: ctx.oidc.route, failure: String(error) }),
  );
  (provider as EventEmitter).on("error", (error) => parts.log("request_failed", { failure: String(error) }));
  provider.on("backchannel.error", (_ctx, error, client) =>
    parts.log("backchannel_logout_failed", { client: client.clientId, failure: error.message }),
  );
  return provider;
}

/** What a confirmed log-out ends besides oidc-provider's own session. */
async function logoutEnding(ctx: KoaContextWithOIDC, { sessions }: PublicParts): Promise<Ending> {
  const { oidc } = ctx;
  if (routeOf(ctx) !== "end_session_confirm" || oidc.session?.accountId === undefined) return { delivered: true };
  const isDestroyed = (oidc.session as { readonly destroyed?: boolean }).destroyed === true;
  return isDestroyed ? sessions.end(oidc.session.uid, "logout") : { delivered: true };
}

/** Undefined: oidc-provider knows no such path. */
function routeOf(ctx: KoaContextWithOIDC): string | undefined {
  return (ctx as { readonly oidc?: KoaContextWithOIDC["oidc"] }).oidc?.route;
}

function markLate(ctx: KoaContextWithOIDC, issuer: string): void {
  const target = ctx.response.get("location");
  if (target === `${issuer}/session/end/success`) ctx.redirect(`${target}?late`);
}

/** Where a form of ours may lead: back to the clients. */
function formTargets({ clients }: PublicParts): readonly string[] {
  const uris = clients.flatMap(({ redirect_uris = [], post_logout_redirect_uris = [] }) => [
    ...redirect_uris,
    ...post_logout_redirect_uris,
  ]);
  return [...new Set(uris.map((uri) => new URL(uri).origin))].filter((origin) => origin !== "null");
}

/** Its port, once it listens. */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}
