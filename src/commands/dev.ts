// `portcullis dev`: sidecar and control API in one process on the embedded store, with or without a file.

import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { formatConfig } from "../config/format.ts";
import { createBootstrapToken } from "../control/bootstrap-token.ts";
import { createControlPlane } from "./control-plane.ts";
import { createDevIssuer } from "./dev-issuer.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { controlPart, reloadPart, storePart } from "./parts.ts";
import { writePrivateFile } from "./private-file.ts";
import { configOf, readConfig } from "./read-config.ts";
import { runUntilTerminated } from "./run.ts";
import { createSidecar } from "./sidecar.ts";
import { openStore } from "./store.ts";
import { startTelemetry } from "./telemetry.ts";

/** Where everything is kept that `dev` makes up when there is no file. */
const FOLDER = ".portcullis";

export async function dev(options: { readonly config?: string }, io: CommandIo): Promise<number> {
  const config = options.config === undefined ? madeUpConfig(io) : readConfig(options.config, io, "embedded");
  if (config === undefined) return EXIT.usage;
  const telemetry = await startTelemetry(config, io.version);
  const { log, observer } = telemetry;
  const { token, sha256 } = createBootstrapToken();
  const tokenFile = join(dirname(config.store.path), "portcullis.token");
  mkdirSync(dirname(tokenFile), { recursive: true });
  writePrivateFile(tokenFile, `${token}\n`);
  const store = openStore(config, log);
  const sidecar = createSidecar(config, store, telemetry, io.version);
  const plane = createControlPlane(config, {
    store,
    ladder: sidecar.ladder,
    issuers: sidecar.keepIssuers(),
    telemetry,
    tokens: [{ name: "dev", sha256, scopes: ["portcullis:admin"] }],
    version: io.version,
  });
  const parts = [
    storePart(store),
    ...sidecar.parts,
    controlPart(plane, log, (url) => io.out(`control ${url} token file ${tokenFile}\n`)),
    ...(options.config === undefined ? [] : [reloadPart({ config, io, log, observer, replace: sidecar.replace })]),
  ];
  const exitCode = await runUntilTerminated(parts, io, log);
  await telemetry.stop();
  return exitCode;
}

function madeUpConfig(io: CommandIo): Config | undefined {
  const folder = resolve(io.cwd, FOLDER);
  const issuer = createDevIssuer(folder, Math.floor(Date.now() / 1_000));
  const config = configOf(join(folder, "portcullis.yaml"), issuer.configText, io);
  if (config === undefined) return undefined;
  io.out(`# No file was given: this is the effective configuration. What it names is kept in ${folder}\n`);
  io.out(formatConfig(config));
  io.out(`# An access token to try it with: ${issuer.tokenFile}\n`);
  return config;
}
