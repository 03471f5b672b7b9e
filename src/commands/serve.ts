// `portcullis serve`: the sidecar, in one thread or with workers.

import { createSidecar } from "./sidecar.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { readReloadable, type Reloadable } from "./read-config.ts";
import { reloadPart, storePart } from "./parts.ts";
import { listenForTermination, runUntilTerminated } from "./run.ts";
import { openSidecarStore } from "./store.ts";
import { startTelemetry } from "./telemetry.ts";
import { createWorkedSidecar } from "./worked-sidecar.ts";

export async function serve(options: { readonly config: string }, io: CommandIo): Promise<number> {
  const read = readReloadable(options.config, io);
  if (read === undefined) return EXIT.usage;
  return read.config.workerCount === 1 ? serveAlone(read, io) : serveWithWorkers(read, io);
}

async function serveAlone(read: Reloadable, io: CommandIo): Promise<number> {
  const { config } = read;
  const termination = listenForTermination(io);
  const telemetry = await startTelemetry(config, io.version);
  const { log, observer } = telemetry;
  const store = openSidecarStore(config, log);
  const sidecar = createSidecar(config, store, telemetry, io.version, undefined);
  const reload = reloadPart({ ...read, io, log, observer, replace: sidecar.replace });
  const exitCode = await runUntilTerminated([storePart(store), ...sidecar.parts, reload], termination, io, log);
  await telemetry.stop();
  return exitCode;
}

async function serveWithWorkers(read: Reloadable, io: CommandIo): Promise<number> {
  const { config } = read;
  const termination = listenForTermination(io);
  const telemetry = await startTelemetry(config, io.version, { elsewhere: () => sidecar.workers.samples() });
  const { log, observer } = telemetry;
  const sidecar = createWorkedSidecar(config, {
    telemetry,
    version: io.version,
    program: io.program,
    failed: () => termination.ask(),
  });
  const reload = reloadPart({ ...read, io, log, observer, replace: sidecar.replace });
  const exitCode = await runUntilTerminated([...sidecar.parts, reload], termination, io, log);
  await telemetry.stop();
  return sidecar.workers.hasFailed() ? EXIT.failed : exitCode;
}
