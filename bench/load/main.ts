// The load generator: one job in (JSON, first argument), one result out (JSON line). Run it pinned to a core of its own.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { PATH } from "../fixtures/check-request.ts";
import { Arrivals, PACER_LEAD_MS } from "./arrivals.ts";
import { type Call, readCheckCalls, readGetCalls } from "./calls.ts";
import { nowMs } from "./clock.ts";
import { Connection } from "./connection.ts";
import type { LoadJob, LoadResult, Percentiles } from "./job.ts";
import { Latencies } from "./latencies.ts";
import type { PacerData } from "./pacer.ts";
import type { Sample, SamplerData } from "./sampler.ts";

/** A prime: neighbouring calls carry tokens that are far apart, and all of them come up. */
const TOKEN_STRIDE = 7919;
/** Time for the other side's SETTINGS to arrive before the first call. */
const SETTLE_MS = 100;
/** How long calls that were due within the window may still end after it. */
const LINGER_MS = 2000;

class Loader {
  readonly #job: LoadJob;
  readonly #calls: readonly Call[];
  readonly #connections: Connection[] = [];
  readonly #latencies = new Latencies();
  readonly #lateness = new Latencies();
  readonly #failures = new Map<string, number>();
  readonly #fromMs: number;
  readonly #toMs: number;
  readonly #arrivals: Arrivals | undefined;
  /** Open loop: when the next call is due. */
  #dueMs = Number.POSITIVE_INFINITY;
  #sentCount = 0;
  #endedCount = 0;
  #isOver = false;

  constructor(job: LoadJob, calls: readonly Call[], beginMs: number) {
    this.#job = job;
    this.#calls = calls;
    this.#fromMs = beginMs + job.warmMs;
    this.#toMs = this.#fromMs + job.measureMs;
    if (job.load.loop === "open") {
      this.#arrivals = new Arrivals(beginMs, job.load.ratePerSecond, job.load.seed);
      this.#dueMs = this.#arrivals.next();
    }
  }

  async connect(): Promise<void> {
    for (let index = 0; index < this.#job.connectionCount; index += 1) {
      const connection = await Connection.open(this.#job.endpoint, this.#job.kind, {
        ended: (dueAtMs, failure) => this.#ended(dueAtMs, failure),
        turn: () => this.#fill(),
        lost: (why) => this.#lost(why),
      });
      this.#connections.push(connection);
    }
  }

  /** Sends what is due now; for the first calls, and on every wake-up by the pacer. */
  wake(): void {
    while (this.#arrivals !== undefined && this.#dueMs > nowMs() && this.#dueMs <= nowMs() + PACER_LEAD_MS);
    this.#fill();
  }

  isIdle(): boolean {
    return this.#connections.every((connection) => connection.inFlightCount === 0);
  }

  finish(sample: Sample): LoadResult {
    this.#isOver = true;
    let unansweredCount = 0;
    for (const connection of this.#connections) {
      unansweredCount += connection.inFlightCount;
      connection.close();
    }
    if (unansweredCount > 0) this.#failures.set("unanswered", unansweredCount);
    const perCall = Object.entries(sample.cpuUs).map(([name, usedUs]) => [name, usedUs / this.#endedCount]);
    return {
      endedCount: this.#endedCount,
      perSecond: this.#endedCount / (this.#job.measureMs / 1000),
      failures: Object.fromEntries(this.#failures),
      latencyMs: percentiles(this.#latencies),
      latenessMs: percentiles(this.#lateness),
      cpuUsPerCall: Object.fromEntries(perCall) as Record<string, number>,
      rssMiB: sample.rssMiB,
      foreignPercent: sample.foreignPercent,
      stealPercent: sample.stealPercent,
    };
  }

  #fill(): void {
    const { load } = this.#job;
    if (load.loop === "open") this.#fillOpen();
    else this.#fillClosed(load.streamCount / this.#connections.length);
    for (const connection of this.#connections) connection.flush();
  }

  #fillClosed(streamCount: number): void {
    const now = nowMs();
    if (now >= this.#toMs) return;
    for (const connection of this.#connections) {
      while (connection.inFlightCount < streamCount && this.#send(connection, now));
    }
  }

  #fillOpen(): void {
    const now = nowMs();
    while (this.#dueMs <= now && this.#dueMs < this.#toMs) {
      const connection = this.#connections[this.#sentCount % this.#connections.length] as Connection;
      if (!this.#send(connection, this.#dueMs)) return;
      if (this.#dueMs >= this.#fromMs) this.#lateness.add(now - this.#dueMs);
      this.#dueMs = (this.#arrivals as Arrivals).next();
    }
  }

  #send(connection: Connection, dueMs: number): boolean {
    const call = this.#calls[(this.#sentCount * TOKEN_STRIDE) % this.#calls.length] as Call;
    if (!connection.canSend(call)) return false;
    this.#sentCount += 1;
    connection.send(call, dueMs);
    return true;
  }

  #ended(dueMs: number, failure: string | undefined): void {
    const now = nowMs();
    const isWithin = now >= this.#fromMs && now < this.#toMs;
    if (isWithin) this.#endedCount += 1;
    // An open loop counts calls by when they were due, or the slowest would be missing.
    const counts = this.#arrivals === undefined ? isWithin : dueMs >= this.#fromMs && dueMs < this.#toMs;
    if (counts) this.#latencies.add(now - dueMs);
    if (failure !== undefined) this.#failures.set(failure, (this.#failures.get(failure) ?? 0) + 1);
  }

  #lost(why: string): void {
    if (this.#isOver) return;
    console.error(`the connection was lost: ${why}`);
    process.exit(1);
  }
}

function percentiles(latencies: Latencies): Percentiles {
  const [p50 = 0, p90 = 0, p99 = 0, p999 = 0, max = 0] = latencies.percentiles([0.5, 0.9, 0.99, 0.999, 1]);
  return { p50, p90, p99, p999, max };
}

function startSampler(data: SamplerData): Promise<Sample> {
  const worker = new Worker(new URL("./sampler.ts", import.meta.url), { workerData: data });
  return once(worker, "message").then(([sample]) => sample as Sample);
}

async function run(job: LoadJob): Promise<LoadResult> {
  const calls =
    job.kind === "grpc"
      ? readCheckCalls(job.fixtures, job.alg, job.tokenCount)
      : readGetCalls(job.fixtures, job.alg, job.tokenCount, PATH);
  if (calls.length < job.tokenCount) throw new Error(`only ${calls.length} tokens in ${job.fixtures}`);
  const beginMs = nowMs() + 3 * SETTLE_MS;
  const loader = new Loader(job, calls, beginMs);
  await loader.connect();
  const fromMs = beginMs + job.warmMs;
  const toMs = fromMs + job.measureMs;
  const sampled = startSampler({ fromMs, toMs, watch: { ...job.watch, load: process.pid } });
  if (job.load.loop === "open") {
    const { ratePerSecond, seed } = job.load;
    const data: PacerData = { beginMs, endMs: toMs, ratePerSecond, seed };
    new Worker(new URL("./pacer.ts", import.meta.url), { workerData: data }).on("message", () => loader.wake());
  }
  setTimeout(() => loader.wake(), beginMs - nowMs());
  const sample = await sampled;
  for (const untilMs = nowMs() + LINGER_MS; !loader.isIdle() && nowMs() < untilMs;) await sleep(10);
  return loader.finish(sample);
}

const result = await run(JSON.parse(process.argv[2] ?? "") as LoadJob);
process.stdout.write(`${JSON.stringify(result)}\n`);
