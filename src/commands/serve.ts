// `portcullis serve`: the sidecar.

import { createSidecar } from "./sidecar.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { readReloadable } from "./read-config.ts";
import { reloadPart, storePart } from "./parts.ts";
import { listenForTermination, runUntilTerminated } from "./run.ts";
import { openSidecarStore } from "./store.ts";
import { startTelemetry } from "./telemetry.ts";

export async function serve(options: { readonly config: string }, io: CommandIo): Promise<number> {
  const read = readReloadable(options.config, io);
  if (read === undefined) return EXIT.usage;
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
