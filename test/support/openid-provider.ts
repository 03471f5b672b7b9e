// An OpenID provider for the dashboard's sign-in: it knows one person, asks for no password, and checks all that a client
// has to send (PKCE, secret, redirect URL).
import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createTestKey, signToken } from "./tokens.ts";

export const CLIENT = { id: "dashboard", secret: "client secret of 32 random bytes" };

export interface OpenidProvider {
  readonly issuer: string;
  /** Of the next one who signs in. */
  as(subject: string, scope: string): void;
  stop(): Promise<void>;
}

interface Authorization {
  readonly redirectUrl: string;
  readonly challenge: string;
  readonly nonce: string;
}

export async function startOpenidProvider(): Promise<OpenidProvider> {
  const key = createTestKey("ES256", "provider");
  const authorizations = new Map<string, Authorization>();
  let person = { subject: "ada", scope: "portcullis:admin" };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", issuer);
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return json(response, {
          issuer,
          jwks_uri: `${issuer}/jwks`,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          id_token_signing_alg_values_supported: ["ES256"],
        });
      case "/jwks":
        return json(response, { keys: [key.jwk] });
      case "/authorize":
        return authorize(url.searchParams, response);
      case "/token": {
        const chunks: Buffer[] = [];
        for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
        return exchange(new URLSearchParams(Buffer.concat(chunks).toString()), request, response);
      }
      default:
        return json(response, { error: "not_found" }, 404);
    }
  }

  function authorize(asked: URLSearchParams, response: ServerResponse): void {
    const code = randomUUID();
    const redirectUrl = asked.get("redirect_uri") ?? "";
    const isRight =
      asked.get("client_id") === CLIENT.id &&
      asked.get("response_type") === "code" &&
      asked.get("code_challenge_method") === "S256" &&
      asked.get("scope")?.startsWith("openid ") === true;
    if (!isRight) return json(response, { error: "invalid_request" }, 400);
    authorizations.set(code, {
      redirectUrl,
      challenge: asked.get("code_challenge") ?? "",
      nonce: asked.get("nonce") ?? "",
    });
    const back = new URL(redirectUrl);
    back.searchParams.set("code", code);
    back.searchParams.set("state", asked.get("state") ?? "");
    response.writeHead(303, { location: back.href }).end();
  }

  function exchange(form: URLSearchParams, request: IncomingMessage, response: ServerResponse): void {
    const given = authorizations.get(form.get("code") ?? "");
    authorizations.delete(form.get("code") ?? "");
    const basic = Buffer.from(request.headers.authorization?.replace(/^Basic /, "") ?? "", "base64").toString();
    const [id = "", secret = ""] = basic.split(":").map((part) => new URLSearchParams(`v=${part}`).get("v") ?? "");
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const isRight =
      given?.challenge === challenge &&
      given.redirectUrl === form.get("redirect_uri") &&
      id === CLIENT.id &&
      secret === CLIENT.secret;
    if (!isRight) return json(response, { error: "invalid_grant" }, 400);
    const nowS = Math.floor(Date.now() / 1_000);
    const common = { iss: issuer, sub: person.subject, iat: nowS, exp: nowS + 600 };
    const claims = { ...common, aud: "portcullis", jti: randomUUID(), client_id: id, scope: person.scope };
    json(response, {
      access_token: signToken(key, claims),
      id_token: signToken(key, { ...common, aud: id, nonce: given.nonce }, { typ: "JWT" }),
      token_type: "Bearer",
      expires_in: 600,
    });
  }

  return {
    issuer,
    as(subject, scope) {
      person = { subject, scope };
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function json(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
