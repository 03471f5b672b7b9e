// A small but real issuer: log in with POST /token, get an access token of RFC 9068, verify it by GET /jwks. An example
// and a test partner; no part of Portcullis, and nobody's production.
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SignJWT } from "jose";
import { makeSigningKeys, type SigningAlgorithm, type SigningKey } from "./keys.ts";
import { USERS, type User } from "./users.ts";

export interface IssuerOptions {
  /** 127.0.0.1 for the demo; 0.0.0.0 in a container. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** The `iss` of its tokens; by default the URL it listens at. */
  readonly issuer?: string;
  readonly audience: string;
  /** Seconds from issue to expiry. */
  readonly lifetimeS: number;
}

/** Claims and header members to change; `undefined` leaves one out. */
export interface TokenChanges {
  readonly algorithm?: SigningAlgorithm;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
}

export interface Issuer {
  /** The `iss` of its tokens; without a slash at its end. */
  readonly issuer: string;
  readonly port: number;
  readonly jwksUrl: string;
  /** Signs what a log-in of alice would, changed as told: for tokens that no honest log-in gives. */
  sign(changes?: TokenChanges): Promise<string>;
  close(): Promise<void>;
}

const LONGEST_FORM_BYTES = 4096;

/** Makes its keys and listens. */
export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const keys = await makeSigningKeys();
  const server = createServer();
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const issuer = options.issuer ?? `http://${options.host}:${port}`;
  const jwksUrl = `${issuer}/jwks`;

  const sign = async (changes: TokenChanges): Promise<string> => {
    const key = keys[changes.algorithm ?? "ES256"];
    return signToken(key, { ...standardClaims(issuer, options), ...changes.claims }, changes.header);
  };

  server.on("request", (request, response) => {
    answer(request, response).catch((error: unknown) => {
      sendJson(response, 500, { error: "server_error", error_description: String(error) });
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (`${request.method} ${request.url}`) {
      case "GET /jwks":
        return sendJson(response, 200, { keys: [keys.RS256.publicJwk, keys.ES256.publicJwk] });
      case "GET /.well-known/openid-configuration":
      case "GET /.well-known/oauth-authorization-server":
        return sendJson(response, 200, { issuer, jwks_uri: jwksUrl, token_endpoint: `${issuer}/token` });
      case "POST /token":
        return answerTokenRequest(new URLSearchParams(await readForm(request)), response);
      default:
        return sendJson(response, 404, { error: "not_found" });
    }
  }

  /** RFC 6749 §4.3 with one member more, `alg`, that picks the signing key. */
  async function answerTokenRequest(form: URLSearchParams, response: ServerResponse): Promise<void> {
    const user = USERS.get(form.get("username") ?? "");
    if (user === undefined || form.get("password") !== user.password) {
      return sendJson(response, 400, { error: "invalid_grant" });
    }
    const scope = grantedScope(form.get("scope"), user);
    const claims = { sub: user.subject, tenant: user.tenant, client_id: form.get("client_id") ?? "demo", scope };
    const token = await sign({ algorithm: form.get("alg") === "RS256" ? "RS256" : "ES256", claims });
    sendJson(response, 200, { access_token: token, token_type: "Bearer", expires_in: options.lifetimeS, scope });
  }

  return {
    issuer,
    port,
    jwksUrl,
    sign: (changes = {}) => sign(changes),
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function signToken(
  key: SigningKey,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: "at+jwt", ...header })
    .sign(key.privateKey);
}

function standardClaims(issuer: string, options: IssuerOptions): Record<string, unknown> {
  const nowS = Math.floor(Date.now() / 1000);
  return {
    iss: issuer,
    aud: options.audience,
    sub: "alice",
    iat: nowS,
    exp: nowS + options.lifetimeS,
    jti: randomUUID(),
    sid: randomUUID(),
    tenant: "acme",
    client_id: "demo",
    scope: "orders:read orders:write",
  };
}

/** What was asked for, as far as the user has it; all the user has when nothing was. */
function grantedScope(asked: string | null, user: User): string {
  if (asked === null) return user.scope;
  const has = new Set(user.scope.split(" "));
  return asked
    .split(" ")
    .filter((scope) => has.has(scope))
    .join(" ");
}

async function listen(server: Server, { host, port }: IssuerOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
}

async function readForm(request: IncomingMessage): Promise<string> {
  let form = "";
  for await (const chunk of request) {
    form += String(chunk);
    if (form.length > LONGEST_FORM_BYTES) throw new Error("form too long");
  }
  return form;
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}
