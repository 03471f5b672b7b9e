// An authorization server's introspection endpoint (RFC 7662) on a free port, for one client. Written from the standard.

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Answer = Readonly<Record<string, unknown>>;

export interface IntrospectionServer {
  readonly url: string;
  /** The tokens asked about, in their order; one asked about by nobody known, or in another way, is not among them. */
  readonly asked: string[];
  /** What is known of tokens; of all others: not active. */
  readonly tokens: Map<string, Answer>;
  /** Answers in place of it; undefined: as it does. */
  answer: ((response: ServerResponse, token: string) => unknown) | undefined;
  stop(): Promise<void>;
}

export const CLIENT = { id: "portcullis:sidecar", secret: "s3cret with spaces & signs +%" } as const;

export async function startIntrospectionServer(): Promise<IntrospectionServer> {
  const http = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => (body += text));
    request.on("end", () => {
      const form = new URLSearchParams(body);
      const isForm = request.headers["content-type"] === "application/x-www-form-urlencoded";
      if (!isClient(request.headers.authorization ?? "")) return response.writeHead(401).end();
      if (request.method !== "POST" || !isForm || !form.has("token")) return response.writeHead(400).end();
      const token = form.get("token") ?? "";
      server.asked.push(token);
      if (server.answer !== undefined) return server.answer(response, token);
      return sendJson(response, server.tokens.get(token) ?? { active: false });
    });
  });
  await new Promise<void>((listening) => http.listen(0, "127.0.0.1", listening));
  const server: IntrospectionServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/introspect`,
    asked: [],
    tokens: new Map(),
    answer: undefined,
    stop: () =>
      new Promise((closed) => {
        http.close(() => closed());
        http.closeAllConnections();
      }),
  };
  return server;
}

export function sendJson(response: ServerResponse, answer: unknown): void {
  response.writeHead(200, { "content-type": "application/json;charset=UTF-8" }).end(JSON.stringify(answer));
}

/** RFC 6749 §2.3.1: each half is form-encoded before it is put into HTTP Basic. */
function isClient(authorization: string): boolean {
  const [scheme, credentials = ""] = authorization.split(" ");
  const halves = Buffer.from(credentials, "base64").toString().split(":");
  const [id, secret] = halves.map((half) => decodeURIComponent(half.replaceAll("+", " ")));
  return scheme === "Basic" && halves.length === 2 && id === CLIENT.id && secret === CLIENT.secret;
}
