// argv → command → exit code. The only file that touches the process: its arguments, environment, streams, signals.

import { readFileSync } from "node:fs";
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import type { WorkerStart } from "./commands/worker-messages.ts";
import { EXIT, type CommandIo } from "./commands/io.ts";
import { err, ok, type Result } from "./core/result.ts";
import { createSignals } from "./lifecycle/signals.ts";

/** Those that are servers: they are told to end, and that in order, from their first moment on. */
const SERVERS: ReadonlySet<string> = new Set(["serve", "control", "dev"]);

/** A token or a list of ids; nothing that a command reads is larger. */
const MAX_STDIN_BYTES = 1_048_576;

async function readStdin(): Promise<Result<string, string>> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  try {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      byteCount += chunk.length;
      if (byteCount > MAX_STDIN_BYTES) return err(`standard input holds more than ${MAX_STDIN_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    return err(`standard input cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`);
  }
  return ok(Buffer.concat(chunks).toString("utf8"));
}

function versionOfPackage(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** Where pipes are written asynchronously (macOS), leaving earlier would cut off what was printed. */
async function flushed(stream: NodeJS.WriteStream): Promise<void> {
  await new Promise<void>((resolve) => stream.write("", () => resolve()));
}

const signals = createSignals({
  on: (signal, listener) => void process.on(signal, listener),
  exit: (exitCode) => process.exit(exitCode),
});
const isServer = parentPort === null && SERVERS.has(process.argv[2] ?? "");
// Before the command is loaded, which takes a while: what this file imports must stay little.
if (isServer) signals.whileLoading();

// A reader that went away (`portcullis list | head`) wants no more, which is no failure of ours. A server goes on
// without readers: it is there for Envoy.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (!isServer) process.exit(error.code === "EPIPE" ? EXIT.done : EXIT.failed);
});
// What cannot be written to standard error cannot be reported anywhere.
process.stderr.on("error", () => undefined);

const io: CommandIo = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  readStdin,
  stdinChunks: () => process.stdin as AsyncIterable<Uint8Array>,
  env: process.env,
  cwd: process.cwd(),
  isTerminal: process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "",
  isErrorTerminal: process.stderr.isTTY,
  version: versionOfPackage(),
  program: new URL(import.meta.url),
  signals,
};

async function runCommand(): Promise<number> {
  return (await import("./commands/cli.ts")).runCli(process.argv.slice(2), io);
}

/** A thread that `serve` started. It ends when that does. */
async function runWorker(port: MessagePort): Promise<never> {
  await (await import("./commands/worker.ts")).work(workerData as WorkerStart, port, io.version);
  return new Promise(() => undefined);
}

try {
  process.exitCode = parentPort === null ? await runCommand() : await runWorker(parentPort);
} catch (error) {
  process.exitCode = EXIT.failed;
  io.err(`portcullis: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
process.exit();
