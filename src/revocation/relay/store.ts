// The store of a sidecar that has none: look-ups are asked of a control plane, which asks its own. Nothing is kept on the
// way, so an answer is as young as if the store had been asked from here.

import { Agent as HttpAgent, request as httpRequest, type ClientRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { err, ok, type Result } from "../../core/result.ts";
import { patienceOf } from "../../resilience/patience.ts";
import type { StoreHealth } from "../revocation-store.ts";
import type { MarkerReader, StoreFault } from "../store.ts";
import { faultOfError, faultOfStatus, isCause } from "./fault.ts";
import { urlBelow } from "./link.ts";

export interface RelayStoreOptions {
  /** Of the control API. */
  readonly controlUrl: string;
  readonly token: string;
}

export interface RelayStore extends MarkerReader {
  readonly type: "relay";
  start(): Promise<void>;
  stop(): Promise<void>;
  health(): StoreHealth;
}

export const LOOK_UPS_PATH = "/v1/relay/look-ups";

/** As many as there are batches in flight: none waits for another's answer. */
const MAX_CONNECTIONS = 16;

/** Of 2,048 keys few have a value, and ours are below 2 KiB. */
const MAX_ANSWER_BYTES = 8 * 1_048_576;

type Values = readonly (string | null)[];
type Answer = Result<Values, StoreFault>;

export function createRelayStore({ controlUrl, token }: RelayStoreOptions): RelayStore {
  const url = urlBelow(controlUrl, LOOK_UPS_PATH);
  const isTls = url.protocol === "https:";
  const agent = new (isTls ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
  const send = isTls ? httpsRequest : httpRequest;
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  let lastFault: StoreFault | undefined = { cause: "disconnected", detail: "not asked yet" };
  let isStopped = false;

  function ask(keys: readonly string[], signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve) => {
      const request: ClientRequest = send(url, { method: "POST", headers, agent, signal }, (response) => {
        const chunks: Buffer[] = [];
        let byteCount = 0;
        response.on("data", (chunk: Buffer) => {
          byteCount += chunk.length;
          if (byteCount > MAX_ANSWER_BYTES) response.destroy(new Error("too large"));
          else chunks.push(chunk);
        });
        response.on("error", fail);
        response.on("close", () => fail(new Error("cut off")));
        response.on("end", () =>
          resolve(answerOf(response.statusCode ?? 0, Buffer.concat(chunks).toString("utf8"), keys.length)),
        );
      });
      function fail(error: NodeJS.ErrnoException): void {
        if (isStopped) return resolve(err({ cause: "stopped", detail: "it is ending" }));
        if (signal.aborted)
          return resolve(err({ cause: "timeout", detail: "the control plane did not answer in time" }));
        // A connection that was closed while it was idle: nothing was answered, and to ask twice harms nobody.
        if (request.reusedSocket && error.code === "ECONNRESET") return resolve(ask(keys, signal));
        resolve(err(faultOfError(error)));
      }
      request.on("error", fail);
      request.end(JSON.stringify({ keys }));
    });
  }

  return {
    type: "relay",
    async start() {},
    async stop() {
      isStopped = true;
      agent.destroy();
    },
    async read(keys, timeoutMs) {
      if (keys.length === 0) return ok([]);
      const patience = patienceOf(timeoutMs);
      const answer = await ask(keys, patience.signal);
      patience.end();
      lastFault = answer.ok ? undefined : answer.error;
      return answer;
    },
    health() {
      const state = lastFault === undefined ? "it answers" : `${lastFault.cause}: ${lastFault.detail}`;
      return { reachable: lastFault === undefined, unfit: undefined, describe: `through ${url.origin}, ${state}` };
    },
  };
}

function answerOf(status: number, body: string, count: number): Answer {
  const { values, cause } = membersOf(body);
  if (status === 200 && areValues(values) && values.length === count) return ok(values);
  // What the control plane's own store said, which the ladder judges as if it had been heard here.
  if (status === 503 && isCause(cause)) return err({ cause, detail: "the control plane's store did not answer" });
  return err(status === 200 ? { cause: "protocol", detail: "an answer in an unknown shape" } : faultOfStatus(status));
}

function areValues(values: unknown): values is Values {
  return Array.isArray(values) && values.every((value) => value === null || typeof value === "string");
}

function membersOf(body: string): { readonly values?: unknown; readonly cause?: unknown } {
  try {
    return (JSON.parse(body) ?? {}) as { readonly values?: unknown; readonly cause?: unknown };
  } catch {
    return {};
  }
}
