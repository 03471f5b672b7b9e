// Starts the real `bin/portcullis` on a configuration of the test's own, on free ports, and waits until it is ready.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePorts } from "./ports.ts";
import { startProcess, type RunningProcess } from "./process.ts";
import { until } from "./wait.ts";

export interface PortcullisOptions {
  readonly command: "serve" | "dev" | "control";
  /** As in the configuration file; `listen` is filled in. YAML 1.2 is read, and JSON is YAML. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface PortcullisProcess {
  readonly grpcPort: number;
  readonly opsUrl: string;
  readonly controlUrl: string;
  /** What it runs on; writing to it makes `serve` reload. */
  readonly configFile: string;
  readonly process: RunningProcess;
  /** Drains it with SIGTERM, waits until it has ended and removes its directory. */
  stop(): Promise<void>;
}

/** Resolves once /readyz says so (`control`, which has none, once its API answers). */
export async function startPortcullis(options: PortcullisOptions): Promise<PortcullisProcess> {
  const home = mkdtempSync(join(tmpdir(), "portcullis-"));
  const configFile = join(home, "portcullis.yaml");
  const [grpcPort = 0, opsPort = 0, controlPort = 0] = await freePorts(3);
  const [grpc, ops, control] = [grpcPort, opsPort, controlPort].map((port) => `127.0.0.1:${port}`);
  writeFileSync(configFile, JSON.stringify({ ...options.config, listen: { grpc, ops, control } }, undefined, 2));

  const args = [options.command, "--config", configFile];
  const running = startProcess(resolve("bin/portcullis"), args, options.env === undefined ? {} : { env: options.env });
  const stop = async (): Promise<void> => {
    running.signal("SIGCONT"); // a paused one would not hear SIGTERM
    await running.stop(15_000);
    rmSync(home, { recursive: true, force: true });
  };
  const ready = options.command === "control" ? `http://${control}/v1/revocations` : `http://${ops}/readyz`;
  try {
    await until("portcullis to be ready", async () => {
      if (running.ended() !== undefined) return "ended";
      const { ok } = await fetch(ready);
      return ok || options.command === "control" || undefined;
    });
    if (running.ended() !== undefined) throw new Error(`portcullis ${options.command} ended with ${running.ended()}`);
  } catch (cause) {
    await stop();
    throw new Error(`portcullis ${options.command} did not become ready; it wrote:\n${running.output()}`, { cause });
  }
  return { grpcPort, opsUrl: `http://${ops}`, controlUrl: `http://${control}`, configFile, process: running, stop };
}
