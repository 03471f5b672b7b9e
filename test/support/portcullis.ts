// Starts the real `bin/portcullis` on a configuration of the test's own, and waits until it is ready.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startProcess, type RunningProcess } from "./process.ts";
import { until } from "./wait.ts";

export const PORTCULLIS: string = fileURLToPath(new URL("../../bin/portcullis", import.meta.url));

export interface PortcullisOptions {
  readonly command: "serve" | "dev" | "control";
  /** As in the configuration file, or its text; where it names no `listen`, free ports are taken. */
  readonly config: Readonly<Record<string, unknown>> | string;
  /** Beside the configuration file, by their names in it. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** False: resolves once it listens. */
  readonly waitUntilReady?: boolean;
  /** Another checkout's `bin/portcullis`, built wrong on purpose. */
  readonly program?: string;
}

export interface PortcullisProcess {
  /** As the server reports it: the first of them. */
  readonly grpcAddress: string;
  /** Several where it listens at several; none of `control`. */
  readonly grpcAddresses: readonly string[];
  readonly grpcPort: number;
  readonly opsUrl: string;
  /** "" of `serve`, which has none. */
  readonly controlUrl: string;
  /** A directory of its own, where its configuration is. */
  readonly folder: string;
  /** What it runs on; writing to it makes `serve` reload. */
  readonly configFile: string;
  readonly process: RunningProcess;
  /** Drains it with SIGTERM, waits until it has ended and removes its directory. */
  stop(): Promise<void>;
}

/**
 * What carries Checks to the sidecars of this run, where the run's project says so (vitest.config.ts): for a `listen` of
 * one's own, which is taken as it is.
 */
export const TRANSPORT: { readonly transport?: string } =
  process.env["PORTCULLIS_TEST_TRANSPORT"] === undefined ? {} : { transport: process.env["PORTCULLIS_TEST_TRANSPORT"] };
const ANY_PORTS = { grpc: "127.0.0.1:0", ops: "127.0.0.1:0", control: "127.0.0.1:0", ...TRANSPORT };

/** Resolves once /readyz says so (`control`, which has none, once it listens). */
export async function startPortcullis(options: PortcullisOptions): Promise<PortcullisProcess> {
  const { command, config, files = {}, env = {}, waitUntilReady = true, program = PORTCULLIS } = options;
  const folder = mkdtempSync(join(tmpdir(), "portcullis-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const configFile = join(folder, "portcullis.yaml");
  writeFileSync(configFile, textOf(config));

  const running = startProcess(program, [command, "--config", configFile], { env });
  const stop = async (): Promise<void> => {
    running.signal("SIGCONT"); // a paused one would not hear SIGTERM
    await running.stop(15_000);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const isSidecar = command !== "control";
    const opsUrl = isSidecar ? await told(running, /"part":"ops","address":"([^"]+)"/) : "";
    const grpcAddresses = isSidecar
      ? (JSON.parse(await told(running, /"part":"grpc","addresses":(\["[^"]*"(?:,"[^"]*")*\])/)) as readonly string[])
      : [];
    const [grpcAddress = ""] = grpcAddresses;
    const controlUrl = command === "serve" ? "" : await told(running, /"part":"control","address":"([^"]+)"/);
    if (isSidecar && waitUntilReady) await untilReady(opsUrl, running);
    const grpcPort = Number(/\d+$/.exec(grpcAddress)?.[0]);
    return { grpcAddress, grpcAddresses, grpcPort, opsUrl, controlUrl, folder, configFile, process: running, stop };
  } catch (cause) {
    await stop();
    throw new Error(`portcullis ${command} did not become ready; it wrote:\n${running.output()}`, { cause });
  }
}

/** YAML 1.2 is read, and JSON is YAML. */
function textOf(config: PortcullisOptions["config"]): string {
  if (typeof config !== "string") return JSON.stringify({ listen: ANY_PORTS, ...config }, undefined, 2);
  return /^listen:/m.test(config) ? config : `listen: ${JSON.stringify(ANY_PORTS)}\n${config}`;
}

async function told(running: RunningProcess, pattern: RegExp): Promise<string> {
  const [, value = ""] = await running.line(pattern);
  return value;
}

async function untilReady(opsUrl: string, running: RunningProcess): Promise<void> {
  const ready = await until("portcullis to be ready", async () => {
    if (running.ended() !== undefined) return "ended";
    return (await fetch(`${opsUrl}/readyz`)).ok ? "ready" : undefined;
  });
  if (ready === "ended") throw new Error(`it ended with ${running.ended()}`);
}
