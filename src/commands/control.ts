// `portcullis control`: the control plane's API on its own.

import { fleetFacts } from "../control/fleet/facts.ts";
import { watchReadiness } from "../ops/readiness.ts";
import { systemClock } from "./clock.ts";
import { createControlPlane } from "./control-plane.ts";
import { createEventBus } from "./event-bus.ts";
import { readinessFacts } from "./facts.ts";
import { createIssuers } from "./issuers.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { controlPart, storePart } from "./parts.ts";
import { hasOwnStore, readConfig } from "./read-config.ts";
import { listenForTermination, runUntilTerminated } from "./run.ts";
import { raiseLadder } from "./ladder.ts";
import { openControlStore } from "./store.ts";
import { startTelemetry } from "./telemetry.ts";

export async function control(options: { readonly config: string }, io: CommandIo): Promise<number> {
  // One file may be for its sidecars, too, who then have none.
  const config = readConfig(options.config, io, "redis");
  if (config === undefined || !hasOwnStore(config, io)) return EXIT.usage;
  const termination = listenForTermination(io);
  const telemetry = await startTelemetry(config, io.version);
  const { log, observer } = telemetry;
  io.signals.onReload(() => log.warn("config_change_needs_restart", { part: "control" }));
  const store = openControlStore(config, log, observer);
  const ladder = raiseLadder(config, store, observer, undefined);
  const sources = createIssuers(observer, log);
  const { issuers } = sources.use(config.issuers);
  const bus = createEventBus(config, store, telemetry);
  const readiness = watchReadiness({
    // Whoever has a bootstrap token needs no issuer's keys.
    facts: () => ({
      ...readinessFacts(store, ladder, undefined, []),
      isObserving: false,
      kafka: bus === undefined ? undefined : { why: bus.trouble() },
    }),
    clock: systemClock,
    onChange: (ready) => log.info(ready ? "ready" : "not_ready"),
  });
  const plane = createControlPlane(config, {
    store,
    ladder,
    issuers,
    telemetry,
    tokens: [],
    version: io.version,
    dashboard: config.dashboard,
    ops: {
      readiness: () => readiness.report(),
      async metrics(accept) {
        observer.fleetIs(await fleetFacts(store));
        return telemetry.scrape.render(accept);
      },
    },
  });
  const parts = [
    storePart(store),
    controlPart(plane, log, () => undefined),
    ...(bus === undefined ? [] : [bus.part(plane.room)]),
  ];
  const exitCode = await runUntilTerminated(parts, termination, io, log);
  readiness.stop();
  ladder.stop();
  await sources.stop();
  await telemetry.stop();
  return exitCode;
}
