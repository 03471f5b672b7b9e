// One HTTP/1.1 call with header lines and path exactly as given: doubles, odd names and raw bytes included.
import { request } from "node:http";
import type { EchoedCall } from "../../examples/upstream/upstream.ts";

export interface HttpCall {
  readonly method?: string;
  /** Characters up to U+00FF, one byte each. */
  readonly path: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly token?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** On a connection of its own; rejects when none is made or it breaks. */
export async function call(
  baseUrl: string,
  { method = "GET", path, headers = [], token }: HttpCall,
): Promise<HttpAnswer> {
  const { host, hostname, port } = new URL(baseUrl);
  const authorization = token === undefined ? [] : ["authorization", `Bearer ${token}`];
  return new Promise((resolve, reject) => {
    const lines = ["host", host, ...authorization, ...headers.flat()];
    const outgoing = request({ hostname, port, method, path, headers: lines, agent: false, timeout: 10_000 });
    outgoing.once("error", reject);
    outgoing.once("timeout", () => outgoing.destroy(new Error(`no answer to ${method} ${path}`)));
    outgoing.once("response", (incoming) => {
      let body = "";
      incoming.setEncoding("utf8");
      incoming.on("data", (chunk: string) => {
        body += chunk;
      });
      incoming.once("error", reject);
      incoming.once("end", () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }));
    });
    outgoing.end();
  });
}

/** What reached the upstream, when the call did. */
export function echoed(answer: HttpAnswer): EchoedCall {
  if (answer.status !== 200) throw new Error(`the call was answered ${answer.status}: ${answer.body}`);
  return JSON.parse(answer.body) as EchoedCall;
}

/** The values that the upstream got for `name`, one for each header line. */
export function echoedHeader(answer: HttpAnswer, name: string): readonly string[] {
  return echoed(answer)
    .headers.filter(([header]) => header === name)
    .map(([, value]) => value);
}
