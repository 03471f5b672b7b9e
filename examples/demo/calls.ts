// The demo's HTTP calls: through Envoy, to the issuer, to the control API. Each returns what came back, judged by nobody.
import { readFileSync } from "node:fs";
import type { EchoedCall } from "../upstream/upstream.ts";
import type { Stage } from "./stage.ts";

export interface Answer {
  readonly status: number;
  readonly challenge: string | null;
  /** It is a refusal in Portcullis' own words, and not Envoy's for want of an answer. */
  readonly refusedByPortcullis: boolean;
  /** What reached the upstream; undefined when the call was refused before it. */
  readonly echoed: EchoedCall | undefined;
}

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function callThroughEnvoy(stage: Stage, call: Call): Promise<Answer> {
  const authorization: Record<string, string> =
    call.token === undefined ? {} : { authorization: `Bearer ${call.token}` };
  const response = await fetch(`${stage.envoy.url}${call.path}`, {
    method: call.method ?? "GET",
    headers: { ...call.headers, ...authorization },
  });
  const body = await response.text();
  return {
    status: response.status,
    challenge: response.headers.get("www-authenticate"),
    refusedByPortcullis: response.headers.get("content-type") === "application/problem+json",
    echoed: response.ok ? (JSON.parse(body) as EchoedCall) : undefined,
  };
}

/** All values that the upstream got for `name`, joined as HTTP does; undefined when it got none. */
export function headerAtUpstream(answer: Answer, name: string): string | undefined {
  const values = (answer.echoed?.headers ?? []).filter(([header]) => header === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

export async function logIn(stage: Stage, username: string, password: string, algorithm = "ES256"): Promise<string> {
  const form = new URLSearchParams({ grant_type: "password", username, password, alg: algorithm });
  const response = await fetch(`${stage.issuer.issuer}/token`, { method: "POST", body: form });
  const body = (await response.json()) as { readonly access_token?: string };
  if (body.access_token === undefined) throw new Error(`the issuer refused ${username}: ${JSON.stringify(body)}`);
  return body.access_token;
}

/** A claim of a token, read without verifying it: we have just been given it. */
export function claimOf(token: string, name: string): string {
  const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
  return String((JSON.parse(payload) as Record<string, unknown>)[name]);
}

/** POST /v1/revocations; resolves with the answer's status once it is acknowledged. */
export async function revokeToken(stage: Stage, token: string, reason: string): Promise<number> {
  const response = await fetch(`${stage.controlUrl}/v1/revocations`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${readFileSync(stage.tokenFile, "utf8").trim()}`,
    },
    body: JSON.stringify({ target: { kind: "token", issuer: "main", id: claimOf(token, "jti") }, reason }),
  });
  await response.arrayBuffer();
  return response.status;
}
