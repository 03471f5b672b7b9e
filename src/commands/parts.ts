// Parts of the lifecycle that several commands have.

import type { Log } from "../core/log.ts";
import type { Part } from "../lifecycle/lifecycle.ts";
import type { Readiness } from "../ops/readiness.ts";
import type { OpsServer } from "../ops/server.ts";
import type { NewsReader } from "../revocation/news.ts";
import type { Replica } from "../revocation/replica/replica.ts";
import type { RevocationStore } from "../revocation/revocation-store.ts";
import type { ControlPlane } from "./control-plane.ts";
import { watchConfig, type ReloadOptions } from "./reload.ts";
import type { Ladder } from "./ladder.ts";

const DEADLINES = { startTimeoutMs: 5_000, stopTimeoutMs: 5_000 };

/** Requests of the control API are short; the store's own time-outs bound them. */
const CONTROL_GRACE_MS = 3_000;

export function storePart(store: Pick<RevocationStore, "start" | "stop">): Part {
  return { name: "store", start: () => store.start(), stop: () => store.stop(), ...DEADLINES };
}

export function replicaPart(replica: Replica): Part {
  return { name: "replica", start: async () => replica.start(), stop: () => replica.stop(), ...DEADLINES };
}

/** Watches from its creation on, for SIGHUP would end a process that does not listen for it, and ends when it stops. */
export function ladderPart(ladder: Ladder, replica: Replica | undefined, news: NewsReader | undefined): Part {
  return {
    name: "ladder",
    async start() {
      replica?.start();
      news?.start();
    },
    async stop() {
      ladder.stop();
      news?.stop();
      await replica?.stop();
    },
    ...DEADLINES,
  };
}

export function opsPart(ops: OpsServer, readiness: Readiness, log: Log): Part {
  return {
    name: "ops",
    async start() {
      log.info("listening", { part: "ops", address: await ops.start() });
    },
    async stop() {
      readiness.stop();
      await ops.stop();
    },
    ...DEADLINES,
  };
}

export function reloadPart(options: ReloadOptions): Part {
  const end = watchConfig(options);
  return {
    name: "reload",
    start: () => Promise.resolve(),
    async stop() {
      end();
    },
    ...DEADLINES,
  };
}

/** `told` hears the URL once it listens. */
export function controlPart(control: ControlPlane, log: Log, told: (url: string) => void): Part {
  return {
    name: "control",
    async start() {
      const url = await control.start();
      log.info("listening", { part: "control", address: url });
      told(url);
    },
    stop: () => control.stop(CONTROL_GRACE_MS),
    ...DEADLINES,
  };
}
