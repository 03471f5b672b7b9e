// `serve`, a worker of which fails on demand: run by `node`, with the configuration's path. The worker on the socket `b`
// throws once there is a file of that path followed by `.b`; once there is one followed by `.b.held`, which it removes, it
// comes to no end of its turn until there is one followed by `.b.free`.

import { existsSync, rmSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { serve } from "../../src/commands/serve.ts";
import type { WorkerStart } from "../../src/commands/worker-messages.ts";
import { work } from "../../src/commands/worker.ts";
import { ok } from "../../src/core/result.ts";

const LOOK_EVERY_MS = 20;

if (parentPort === null) {
  const [, , config = ""] = process.argv;
  process.exitCode = await serve(
    { config },
    {
      out: (text) => void process.stdout.write(text),
      err: (text) => void process.stderr.write(text),
      readStdin: () => Promise.resolve(ok("")),
      async *stdinChunks() {},
      env: process.env,
      cwd: process.cwd(),
      isTerminal: false,
      isErrorTerminal: false,
      version: "0.0.0-test",
      program: new URL(import.meta.url),
      signals: {
        onTerminate: (drain) => void process.once("SIGTERM", drain),
        onInterrupt: () => undefined,
        onReload: () => undefined,
      },
    },
  );
  process.exit();
} else {
  const start = workerData as WorkerStart;
  await work(start, parentPort, "0.0.0-test");
  const [address] = start.config.listen.grpc;
  const file = `${start.config.file}.${address?.kind === "unix" ? address.path.split("/").at(-1) : ""}`;
  setInterval(() => {
    if (existsSync(file)) throw new Error("thrown on demand");
    if (!existsSync(`${file}.held`)) return;
    rmSync(`${file}.held`);
    while (!existsSync(`${file}.free`)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_EVERY_MS);
  }, LOOK_EVERY_MS);
}
