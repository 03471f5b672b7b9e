// The server that is attacked, and a neighbour who goes on calling it meanwhile: what the attack does to either.
import { readFileSync } from "node:fs";
import { Http2Peer, check } from "./http2-peer.ts";
import { startProcess, type RunningProcess } from "./process.ts";
import { until } from "./wait.ts";

/** Far more than any bound of the server allows one connection, and far less than any of these attacks sends or asks. */
const MOST_GROWTH_MIB = 160;
/** A healthy answer takes less than a millisecond; machines that run tests are busy. */
const SLOWEST_ANSWER_MS = 5_000;

export interface Victim {
  readonly address: string;
  readonly process: RunningProcess;
  /** Of its memory, since it was started. */
  growthMiB(): number;
  /**
   * Runs `attack` while a neighbour calls. Returns what was wrong: answers missing or late, memory beyond measure, the
   * process ended. Empty: nothing was.
   */
  faultsDuring(attack: () => Promise<unknown>): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export async function startVictim(options: object = {}): Promise<Victim> {
  const server = startProcess(process.execPath, ["test/support/transport-server.ts", "wire", JSON.stringify(options)]);
  const [, address = ""] = await server.line(/listening on (\S+)/);
  const residentMiB = (): number => {
    const [, kib = "0"] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8")) ?? [];
    return Number(kib) / 1024;
  };
  const first = await Http2Peer.open(address);
  first.send(check(1, "warm"));
  await first.answer(1);
  first.close();
  const beforeMiB = residentMiB();
  return {
    address,
    process: server,
    growthMiB: () => residentMiB() - beforeMiB,
    async faultsDuring(attack) {
      const faults: string[] = [];
      const attacking = { isOver: false };
      let mostMiB = 0;
      const neighbour = await Http2Peer.open(address);
      const calling = (async () => {
        for (let id = 1; !attacking.isOver || id < 20; id += 2) {
          const beganAtMs = performance.now();
          neighbour.send(check(id, `call ${id}`));
          const { headers } = await neighbour.answer(id, SLOWEST_ANSWER_MS);
          if (headers["grpc-status"] !== "0") faults.push(`a neighbour got ${JSON.stringify(headers)}`);
          const tookMs = performance.now() - beganAtMs;
          if (tookMs > SLOWEST_ANSWER_MS) faults.push(`a neighbour's answer took ${tookMs} ms`);
          mostMiB = Math.max(mostMiB, residentMiB() - beforeMiB);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      })().catch((error: unknown) => faults.push(`a neighbour was not answered: ${String(error)}`));
      try {
        await attack();
      } finally {
        attacking.isOver = true;
        await calling;
        neighbour.close();
      }
      if (mostMiB > MOST_GROWTH_MIB) faults.push(`the server grew by ${mostMiB.toFixed(0)} MiB`);
      if (server.ended() !== undefined) faults.push(`the server ended: ${server.output()}`);
      return faults;
    },
    async stop() {
      await server.stop();
    },
  };
}

/** How many Checks wait in the server, whose stream may be gone long since; they are answered after that. */
export async function heldChecks(victim: Victim): Promise<number> {
  const before = victim.process.output().length;
  victim.process.signal("SIGUSR2");
  const [, count = ""] = await until("the number of held checks", () =>
    /held (\d+)/.exec(victim.process.output().slice(before)),
  );
  return Number(count);
}
