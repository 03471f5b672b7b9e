// An application behind Envoy, to click through: it signs people in at the identity service, keeps their tokens on its server
// and gives the browser an HTTP-only cookie. Its buttons call the guarded API through Envoy, as any client would. What it
// does not know it answers like the echoing upstream.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as client from "openid-client";
import { html, page, type Html } from "../identity-service/pages/layout.ts";
import { BEHIND_ENVOY, echoCall, type Upstream } from "../upstream/upstream.ts";
import { createVisits, type Visit } from "./visits.ts";

export interface ShopOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Where browsers reach it: Envoy's address, without a slash at its end. */
  readonly publicUrl: string;
  /** Where it reaches Envoy itself; by default the same. */
  readonly guardedUrl?: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string;
}

/** The calls that the page has buttons for, one of each tier. */
const CALLS: Readonly<Record<string, { readonly method: string; readonly path: string; readonly label: string }>> = {
  list: { method: "GET", path: "/api/orders", label: "List orders (tier low)" },
  order: { method: "POST", path: "/api/orders", label: "Order (tier standard)" },
  pay: { method: "POST", path: "/payments/42", label: "Pay (tier critical)" },
  admin: { method: "GET", path: "/admin/users", label: "Administer (scope admin)" },
};

interface Request {
  readonly visit: Visit;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** As the browser sent it. */
  readonly url: URL;
}

export async function startShop(options: ShopOptions): Promise<Upstream> {
  const visits = createVisits(options.publicUrl.startsWith("https:"));
  let callCount = 0;
  let discovered: Promise<client.Configuration> | undefined;

  /** Asked for at the first sign-in: the identity service may start later. */
  const config = async (): Promise<client.Configuration> => {
    discovered ??= client.discovery(new URL(options.issuer), options.clientId, options.clientSecret, undefined, {
      execute: options.issuer.startsWith("http:") ? [client.allowInsecureRequests] : [],
    });
    discovered.catch(() => (discovered = undefined));
    return discovered;
  };

  const routes: Readonly<Record<string, (request: Request) => Promise<void>>> = {
    "GET /": async ({ visit, response }) => showPage(response, visit),
    "GET /login": async ({ visit, response }) => {
      const verifier = client.randomPKCECodeVerifier();
      const state = client.randomState();
      visit.signingIn = { verifier, state };
      const url = client.buildAuthorizationUrl(await config(), {
        redirect_uri: `${options.publicUrl}/callback`,
        scope: options.scope,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        state,
      });
      redirect(response, url.href);
    },
    "GET /callback": async ({ visit, response, url }) => {
      const { verifier, state } = visit.signingIn ?? { verifier: "", state: "" };
      delete visit.signingIn;
      const checks = { pkceCodeVerifier: verifier, expectedState: state };
      visits.signIn(visit, response, await client.authorizationCodeGrant(await config(), url, checks));
      redirect(response, "/");
    },
    "POST /shop/call": async ({ visit, response, url }) => {
      const { method, path } = CALLS[url.searchParams.get("what") ?? ""] ?? { method: "GET", path: "/api/orders" };
      const answer = await fetch(`${options.guardedUrl ?? options.publicUrl}${path}`, {
        method,
        headers: { authorization: `Bearer ${visit.tokens?.access_token ?? ""}` },
      });
      const headers = answer.headers.get("www-authenticate") ?? "";
      visit.said = `${method} ${path} → ${answer.status} ${headers}\n${pretty(await answer.text())}`;
      redirect(response, "/");
    },
    "POST /shop/refresh": async ({ visit, incoming, response }) => {
      await refresh(visit, incoming);
      redirect(response, "/");
    },
    "POST /shop/sign-out": async ({ visit, response }) => {
      const idToken = visit.tokens?.id_token;
      visits.signOut(visit);
      const url = client.buildEndSessionUrl(await config(), {
        post_logout_redirect_uri: `${options.publicUrl}/`,
        ...(idToken === undefined ? {} : { id_token_hint: idToken }),
      });
      redirect(response, url.href);
    },
  };

  /** One at a time: two at once would look like a theft. */
  async function refresh(visit: Visit, incoming: IncomingMessage): Promise<void> {
    const token = visit.tokens?.refresh_token;
    if (token === undefined || visit.isRefreshing) return;
    visit.isRefreshing = true;
    try {
      const asWhom = await config();
      asWhom[client.customFetch] = (url, init) =>
        fetch(url, { ...init, headers: { ...init.headers, ...deviceOf(incoming) } } as RequestInit);
      visit.tokens = await client.refreshTokenGrant(asWhom, token);
      visit.said = "Refreshed: a new access token, a new refresh token.";
    } catch (error) {
      const { error: code, error_description: why } = error as { error?: string; error_description?: string };
      visit.said = `The refresh was refused: ${code ?? String(error)} (${why ?? ""})`;
    } finally {
      visit.isRefreshing = false;
    }
  }

  const server = createServer(BEHIND_ENVOY, (incoming, response) => {
    const url = new URL(incoming.url ?? "/", options.publicUrl);
    const route = routes[`${incoming.method} ${url.pathname}`];
    if (route === undefined) {
      callCount += 1;
      return echoCall(incoming, response);
    }
    if (incoming.method === "POST" && incoming.headers.origin !== options.publicUrl)
      return void response.writeHead(403).end();
    const visit = visits.of(incoming, response);
    route({ visit, incoming, response, url }).catch((error: unknown) => {
      visit.said = `That did not work: ${String(error)}`;
      redirect(response, "/");
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    get callCount() {
      return callCount;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** What the identity service is told of the browser; Envoy has put the address last. */
function deviceOf({ headers }: IncomingMessage): Record<string, string> {
  const addresses = String(headers["x-forwarded-for"] ?? "").split(",");
  return {
    "x-device-user-agent": headers["user-agent"] ?? "",
    "x-device-address": addresses.at(-1)?.trim() ?? "",
  };
}

function showPage(response: ServerResponse, { tokens, said }: Visit): void {
  const body =
    tokens === undefined
      ? html`<p class="soft">An application behind Envoy and Portcullis.</p>
          <form action="/login"><button type="submit">Sign in</button></form>`
      : html`<p class="soft">You are signed in as ${tokens.claims?.()?.sub ?? "somebody"}.</p>
          ${Object.entries(CALLS).map(([what, { label }]) => button(`/shop/call?what=${what}`, label))}
          ${button("/shop/refresh", "Refresh the token")} ${button("/shop/sign-out", "Sign out")}`;
  response.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
  response.end(page("The shop", html`${body} ${said === undefined ? undefined : html`<pre>${said}</pre>`}`));
}

function button(action: string, label: string): Html {
  return html`<form method="post" action="${action}"><button class="quiet" type="submit">${label}</button></form>`;
}

function redirect(response: ServerResponse, to: string): void {
  response.writeHead(303, { location: to, "cache-control": "no-store" }).end();
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
