// One sample: runs the loader against something that answers, once more when other processes disturbed it.
import type { Endpoint, LoadJob, LoadResult } from "./load/job.ts";
import type { Alg } from "./fixtures/tokens.ts";
import { CLIENT_CONNECTION_COUNT, FOREIGN_LIMIT_PERCENT, type Plan, STREAM_COUNT, TOKEN_COUNT } from "./plan.ts";
import { CORE, type Processes } from "./processes.ts";

const LOADER = new URL("./load/main.ts", import.meta.url).pathname;

/** max: one connection, 100 streams, closed loop, straight to the server. envoy: a fixed rate through Envoy. */
export type Mode = "max" | "envoy";

export interface Measurement {
  readonly mode: Mode;
  readonly endpoint: Endpoint;
  readonly alg: Alg;
  readonly watch: Readonly<Record<string, number>>;
  /** Differs by round, so that no two rounds have the same arrivals; the same for all servers of a round. */
  readonly seed: number;
}

/** The loader's result, the less disturbed one of the tries the plan allows. */
export async function measure(
  processes: Processes,
  plan: Plan,
  fixtures: string,
  measurement: Measurement,
): Promise<LoadResult> {
  let best: LoadResult | undefined;
  for (let tryIndex = 0; tryIndex <= plan.retryCount; tryIndex += 1) {
    const told = await processes.run(CORE.others, [
      process.execPath,
      LOADER,
      JSON.stringify(jobOf(plan, fixtures, measurement)),
    ]);
    const result = JSON.parse(told) as LoadResult;
    if (best === undefined || result.foreignPercent < best.foreignPercent) best = result;
    if (isClean(result)) break;
  }
  return best as LoadResult;
}

/** False when other processes used enough of the machine to have changed the result. */
export function isClean(result: LoadResult): boolean {
  return result.foreignPercent < FOREIGN_LIMIT_PERCENT;
}

function jobOf(plan: Plan, fixtures: string, { mode, endpoint, alg, watch, seed }: Measurement): LoadJob {
  return {
    kind: mode === "max" ? "grpc" : "http",
    endpoint,
    fixtures,
    alg,
    tokenCount: TOKEN_COUNT,
    connectionCount: mode === "max" ? 1 : CLIENT_CONNECTION_COUNT,
    load:
      mode === "max"
        ? { loop: "closed", streamCount: STREAM_COUNT }
        : { loop: "open", ratePerSecond: plan.ratePerSecond, seed },
    warmMs: plan.warmMs,
    measureMs: plan.measureMs,
    watch,
  };
}
