// What answers Checks: issuers, policy and transport over a ladder, and how a reload swaps them. It knows nothing of
// readiness, of operations or of other threads.

import { formatAddress } from "../config/address.ts";
import type { Config } from "../config/config.ts";
import { createCheckHandler } from "../ext-authz/check-handler.ts";
import { createGrpcServer } from "../ext-authz/server.ts";
import type { Transport } from "../ext-authz/transport.ts";
import { createWireServer } from "../ext-authz/wire/server.ts";
import type { Part } from "../lifecycle/lifecycle.ts";
import type { Issuer } from "../token/issuer.ts";
import { systemClock } from "./clock.ts";
import { issuersPart, type Issuers } from "./issuers.ts";
import type { Ladder } from "./ladder.ts";
import { compilePolicy, type SidecarPolicy } from "./policy.ts";
import { createSenderJudge } from "./senders.ts";
import type { Telemetry } from "./telemetry.ts";
import { readTls, watchTls } from "./tls.ts";

export interface Answering {
  /** Not started: who starts it drains it, too. */
  readonly transport: Transport;
  readonly keysPart: Part;
  /** Stopped after the listener, for parts stop in reverse. */
  readonly certificatesPart: Part;
  /** By which calls that begin now are judged. */
  policy(): SidecarPolicy;
  issuers(): readonly Issuer[];
  /**
   * Makes all that `config` asks for, its keys read once; what it resolves with puts it in force, for calls that begin
   * later. What only a restart can change is not touched.
   */
  prepare(config: Config): Promise<() => Promise<void>>;
}

const CREATE_TRANSPORT = { wire: createWireServer, "grpc-js": createGrpcServer } as const;

const PART_TIMEOUT_MS = 5_000;

export interface AnsweringParts {
  readonly ladder: Ladder;
  readonly sources: Issuers;
  readonly telemetry: Telemetry;
  /** Called before health is told to whoever asks for it. */
  readonly beforeHealth: () => void;
}

export function createAnswering(
  config: Config,
  { ladder, sources, telemetry, beforeHealth }: AnsweringParts,
): Answering {
  const { log, observer, tracing } = telemetry;
  let used = sources.use(config.issuers);
  const judges = { guard: ladder.guard, observer, log, possession: createSenderJudge(config) };
  let policy = compilePolicy(config, { ...judges, issuers: used.issuers });
  tellMode(config, telemetry);
  const checks = createCheckHandler({ clock: systemClock, observer, log, tracer: tracing, policy });
  const transport = CREATE_TRANSPORT[config.listen.transport]({
    listen: config.listen.grpc.map(formatAddress),
    tls: readTls(config),
    checks,
    log,
    beforeHealth,
  });
  return {
    transport,
    keysPart: issuersPart(sources),
    certificatesPart: certificatesPart(config, log, transport),
    policy: () => policy,
    issuers: () => used.issuers,
    async prepare(next) {
      const fresh = sources.use(next.issuers);
      await fresh.settled;
      const compiled = compilePolicy(next, { ...judges, issuers: fresh.issuers });
      return async () => {
        used = fresh;
        policy = compiled;
        tellMode(next, telemetry);
        checks.replace(policy);
        await sources.retireUnused();
      };
    },
  };
}

/** Nobody must take a sidecar that refuses nothing for a guard. */
function tellMode({ mode }: Config, { log, observer }: Telemetry): void {
  observer.observing(mode === "observe");
  if (mode === "observe") log.warn("observing", { refuses: "nothing", say: "mode: enforce, to guard" });
}

function certificatesPart(config: Config, log: Telemetry["log"], transport: Transport): Part {
  const { tls } = config.listen;
  const end = tls === undefined ? undefined : watchTls(tls, log, (material) => transport.renewTls(material));
  return {
    name: "certificates",
    start: () => Promise.resolve(),
    async stop() {
      end?.();
    },
    startTimeoutMs: PART_TIMEOUT_MS,
    stopTimeoutMs: PART_TIMEOUT_MS,
  };
}
