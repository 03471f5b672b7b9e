// `portcullis dev`: sidecar and control API in one process on the embedded store, with or without a file.

import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { formatConfig } from "../config/format.ts";
import { createBootstrapToken } from "../control/bootstrap-token.ts";
import { createControlPlane } from "./control-plane.ts";
import { devDashboard } from "./dashboard.ts";
import { createDevIssuer } from "./dev-issuer.ts";
import { createEventBus } from "./event-bus.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { controlPart, reloadPart, storePart } from "./parts.ts";
import { writePrivateFile } from "./private-file.ts";
import { configOf, hasOwnStore, readReloadable } from "./read-config.ts";
import { listenForTermination, runUntilTerminated } from "./run.ts";
import { createSidecar } from "./sidecar.ts";
import { openControlStore } from "./store.ts";
import { startTelemetry } from "./telemetry.ts";

/** Where everything is kept that `dev` makes up when there is no file. */
const FOLDER = ".portcullis";

export async function dev(options: { readonly config?: string }, io: CommandIo): Promise<number> {
  const read = options.config === undefined ? undefined : readReloadable(options.config, io, "embedded");
  if (options.config !== undefined && (read === undefined || !hasOwnStore(read.config, io))) return EXIT.usage;
  const kept = keepFiles(read?.config, io);
  if (kept === undefined) return EXIT.failed;
  const { config, tokenFile } = kept;
  if (config.workerCount > 1) io.err("warning: workers is for serve: dev answers in one thread\n");
  const termination = listenForTermination(io);
  const telemetry = await startTelemetry(config, io.version);
  const { log, observer } = telemetry;
  const { token, sha256 } = createBootstrapToken();
  const store = openControlStore(config, log, observer);
  const sidecar = createSidecar(config, store, telemetry, io.version, store);
  const plane = createControlPlane(config, {
    store,
    ladder: sidecar.ladder,
    issuers: sidecar.keepIssuers(),
    telemetry,
    tokens: [{ name: "dev", sha256, scopes: ["portcullis:admin"] }],
    version: io.version,
    dashboard: devDashboard(config),
  });
  const bus = createEventBus(config, store, telemetry);
  // Only who has the port writes the token: another `dev` here may be using the file.
  const listening = (url: string): void => {
    writePrivateFile(tokenFile, `${token}\n`);
    io.out(`control ${url} token file ${tokenFile}\n`);
    io.out(`dashboard ${url}/\n`);
  };
  const parts = [
    storePart(store),
    ...sidecar.parts,
    controlPart(plane, log, listening),
    ...(bus === undefined ? [] : [bus.part(plane.room)]),
    ...(read === undefined ? [] : [reloadPart({ ...read, io, log, observer, replace: sidecar.replace })]),
  ];
  const exitCode = await runUntilTerminated(parts, termination, io, log);
  await telemetry.stop();
  return exitCode;
}

interface Kept {
  readonly config: Config;
  readonly tokenFile: string;
}

/** `given`, or a configuration made up, with the folder for what it keeps; a person is told why where that fails. */
function keepFiles(given: Config | undefined, io: CommandIo): Kept | undefined {
  const folder = given === undefined ? resolve(io.cwd, FOLDER) : dirname(given.store.path);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const config = given ?? madeUpConfig(folder, io);
    return config === undefined ? undefined : { config, tokenFile: join(folder, "portcullis.token") };
  } catch (error) {
    io.err(`portcullis: nothing can be kept in ${folder}: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}

function madeUpConfig(folder: string, io: CommandIo): Config | undefined {
  const issuer = createDevIssuer(folder, Math.floor(Date.now() / 1_000));
  const config = configOf(join(folder, "portcullis.yaml"), issuer.configText, io);
  if (config === undefined) return undefined;
  io.out(`# No file was given: this is the effective configuration. What it names is kept in ${folder}\n`);
  io.out(formatConfig(config));
  io.out(`# An access token to try it with: ${issuer.tokenFile}\n`);
  return config;
}
