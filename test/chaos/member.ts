// One process of the fleet, which may be killed and comes back at the same address as another process.

import type { PortcullisProcess } from "../support/portcullis.ts";
import { until } from "../support/wait.ts";

export interface Member {
  readonly name: string;
  /** Of the process that runs now. */
  current(): PortcullisProcess;
  /** When the process that runs now was there. */
  startedAtMs(): number;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
  /** Resolves once it stands still. */
  pause(): void;
  resume(): void;
  /** Asks it to end as a roll-out does, and waits until it has. */
  drain(): Promise<void>;
  /** Starts it if it does not run, resumes it if it is paused. */
  revive(): Promise<void>;
  /** What each process of this name has written, the one that runs now last. */
  outputs(): readonly string[];
  stop(): Promise<void>;
}

/** `start` is told how many processes of this name there were. */
export async function startMember(
  name: string,
  start: (generation: number) => Promise<PortcullisProcess>,
): Promise<Member> {
  const ended: string[] = [];
  let generation = 0;
  let running = await start(generation);
  let startedAtMs = performance.now();
  let reviving: Promise<void> | undefined;

  async function startAgain(): Promise<void> {
    await running.stop();
    ended.push(running.process.output());
    generation += 1;
    // Its port may be taken for a moment by a connection of somebody else's.
    running = await until(`${name} to start again`, () => start(generation), 30_000, 200);
    startedAtMs = performance.now();
  }

  return {
    name,
    current: () => running,
    startedAtMs: () => startedAtMs,
    async kill() {
      running.process.signal("SIGKILL");
      await running.process.end();
    },
    pause: () => running.process.signal("SIGSTOP"),
    resume: () => running.process.signal("SIGCONT"),
    async drain() {
      running.process.signal("SIGCONT");
      await running.process.stop(20_000);
    },
    async revive() {
      running.process.signal("SIGCONT");
      if (running.process.ended() === undefined && reviving === undefined) return;
      reviving ??= startAgain().finally(() => (reviving = undefined));
      await reviving;
    },
    outputs: () => [...ended, running.process.output()],
    stop: () => running.stop(),
  };
}
