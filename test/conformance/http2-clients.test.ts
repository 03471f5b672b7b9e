// The wire as clients see it that know nothing of gRPC's libraries: curl, and h2load of nghttp2. Either is skipped
// where it is not installed.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Transport } from "../../src/ext-authz/transport.ts";
import { createWireServer } from "../../src/ext-authz/wire/server.ts";
import { createEchoChecks } from "../support/echo-checks.ts";
import { message } from "../support/http2-peer.ts";
import { startProcess } from "../support/process.ts";

const hasCurl = (spawnSync("curl", ["--version"]).stdout ?? "").includes("nghttp2");
const hasH2load = spawnSync("h2load", ["--version"]).status === 0;
const GRPC = ["-H", "content-type: application/grpc", "-H", "te: trailers"];

let folder: string;
let transport: Transport;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "portcullis-clients-"));
  writeFileSync(join(folder, "small"), message(Buffer.from("a check")));
  writeFileSync(join(folder, "large"), message(Buffer.alloc(3_000_000, "x")));
  const checks = createEchoChecks().handler;
  transport = createWireServer({ listen: ["127.0.0.1:0"], checks, log: { warn: () => undefined } });
  const [address = ""] = await transport.start();
  url = `http://${address}/envoy.service.auth.v3.Authorization/Check`;
});

afterAll(async () => {
  await transport.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function run(command: string, args: readonly string[]): Promise<string> {
  const program = startProcess(command, args, { cwd: folder });
  expect(await program.end(), program.output()).toBe(0);
  return program.output();
}

describe.skipIf(!hasCurl)(`curl${hasCurl ? "" : " (skipped: there is none with HTTP/2)"}`, () => {
  const curl = (...args: readonly string[]): Promise<string> =>
    run("curl", ["--silent", "--show-error", "--http2-prior-knowledge", "--max-time", "20", ...args]);

  test.each(["small", "large"])("sends a %s Check and gets its answer and its trailers", async (name) => {
    const seen = await curl("--data-binary", `@${name}`, ...GRPC, "--dump-header", "-", "--output", "answer", url);
    expect(seen).toContain("HTTP/2 200");
    expect(seen).toMatch(/grpc-status: 0/);
    await run("cmp", [name, "answer"]);
  });

  test("is told what this is when it asks for a page", async () => {
    expect(await curl("--include", url)).toMatch(/^HTTP\/2 405 [^]*allow: POST/);
  });

  test("that sends JSON is told so", async () => {
    expect(await curl("--include", "--data", "{}", "-H", "content-type: application/json", url)).toMatch(
      /^HTTP\/2 415/,
    );
  });
});

describe.skipIf(!hasH2load)(
  `h2load${hasH2load ? "" : " (skipped: scripts/install-conformance could not install it)"}`,
  () => {
    test("thousands of calls on several connections all succeed", async () => {
      const load = ["-n", "20000", "-c", "8", "-m", "100", "-d", "small", ...GRPC, url];
      const report = await run("h2load", load);
      expect(report).toMatch(/20000 total, 20000 started, 20000 done, 20000 succeeded, 0 failed, 0 errored, 0 timeout/);
      expect(report).toMatch(/status codes: 20000 2xx/);
    });
  },
);
