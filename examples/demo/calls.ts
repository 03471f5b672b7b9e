// The demo's HTTP calls: through Envoy and to the control API. Each returns what came back, judged by nobody.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
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

/** One path of each tier of portcullis.yaml; /payments is raised to critical by Envoy's own configuration. */
export const TIERS: Readonly<Record<"critical" | "standard" | "low", Call>> = {
  critical: { method: "POST", path: "/payments/42" },
  standard: { method: "POST", path: "/api/orders" },
  low: { method: "GET", path: "/api/orders" },
};
export type TierName = keyof typeof TIERS;

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

/** The same by a patient client: a machine too busy to answer in time says 503 and `retry-after`, and is asked again. */
export async function callPatiently(stage: Stage, call: Call): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await callThroughEnvoy(stage, call);
    if (answer.status !== 503 || !answer.refusedByPortcullis || attempt === MOST_ATTEMPTS) return answer;
    await sleep(PAUSE_MS);
  }
}

const MOST_ATTEMPTS = 20;
const PAUSE_MS = 100;

/** All values that the upstream got for `name`, joined as HTTP does; undefined when it got none. */
export function headerAtUpstream(answer: Answer, name: string): string | undefined {
  const values = (answer.echoed?.headers ?? []).filter(([header]) => header === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

/** A claim of a token, read without verifying it: we have just been given it. */
export function claimOf(token: string, name: string): string {
  const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
  return String((JSON.parse(payload) as Record<string, unknown>)[name]);
}

/** A member of its header, likewise. */
export function headerOfToken(token: string, name: string): string {
  const header = Buffer.from(token.split(".")[0] ?? "", "base64url").toString("utf8");
  return String((JSON.parse(header) as Record<string, unknown>)[name]);
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
