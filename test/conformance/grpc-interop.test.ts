// The gRPC interoperability cases that apply to unary calls, and those of health, run by grpc-go's own client
// (test/conformance/go/grpc-interop) against every transport.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Transport } from "../../src/ext-authz/transport.ts";
import { createCertificate } from "../support/certificate.ts";
import { GRPC_INTEROP, WHY_SKIPPED } from "../support/conformance-programs.ts";
import { createEchoChecks, type EchoChecks } from "../support/echo-checks.ts";
import { startProcess, type RunningProcess } from "../support/process.ts";
import { TRANSPORTS } from "../support/transports.ts";
import { until } from "../support/wait.ts";

const SERVER = createCertificate();
const CLIENT = createCertificate();
const FILES = [
  ["server.pem", SERVER.certificatePem],
  ["client.pem", CLIENT.certificatePem],
  ["client.key", CLIENT.privateKeyPem],
] as const;

/** Runs one case; its output, whose last line is "ok" when all went well. */
function start(name: string, target: string): RunningProcess {
  return startProcess(GRPC_INTEROP, ["-case", name, "-target", target]);
}

async function run(name: string, target: string): Promise<string> {
  const program = start(name, target);
  await program.end();
  return program.output();
}

describe.skipIf(WHY_SKIPPED !== "").each(TRANSPORTS)(`grpc-go's client of %s${WHY_SKIPPED}`, (_, createTransport) => {
  let folder: string;
  let checks: EchoChecks;
  let transport: Transport;
  let targets: { readonly tcp: string; readonly unix: string };

  const startTransport = async (listen: readonly string[]): Promise<readonly string[]> => {
    transport = createTransport({ listen, checks: checks.handler, log: { warn: () => undefined } });
    const bound = await transport.start();
    transport.setServing(true);
    return bound;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "portcullis-interop-"));
    checks = createEchoChecks();
    const [tcp = "", unix = ""] = await startTransport(["127.0.0.1:0", `unix:${join(folder, "grpc.sock")}`]);
    targets = { tcp, unix };
  });

  afterAll(async () => {
    await transport.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    "empty message",
    "large message",
    "compressed request",
    "health",
    "unimplemented",
    "special status message",
    "metadata",
    "deadline",
    "cancel after begin",
    "many at once",
    "one after another",
    "message beyond the size cap",
  ])("%s", async (name) => {
    expect(await run(name, targets.tcp)).toBe("ok\n");
  });

  test.each(["empty message", "large message", "many at once"])("%s, over a unix socket", async (name) => {
    expect(await run(name, targets.unix)).toBe("ok\n");
  });

  describe.each([
    ["TLS", undefined, []],
    ["mutual TLS", CLIENT.certificatePem, ["-cert", "client.pem", "-key", "client.key"]],
  ])("over %s", (_kind, clientCa, shown) => {
    let secure: Transport;
    let target: string;

    beforeAll(async () => {
      for (const [name, text] of FILES) writeFileSync(join(folder, name), text);
      const tls = { certificate: SERVER.certificatePem, key: SERVER.privateKeyPem, clientCa };
      secure = createTransport({
        listen: ["127.0.0.1:0"],
        tls,
        checks: checks.handler,
        log: { warn: () => undefined },
      });
      [target = ""] = await secure.start();
    });
    afterAll(() => secure.stop());

    test.each(["empty message", "large message", "metadata", "many at once"])("%s", async (name) => {
      const flags = ["-case", name, "-target", target, "-ca", "server.pem", ...shown];
      const program = startProcess(GRPC_INTEROP, flags, { cwd: folder });
      await program.end();
      expect(program.output()).toBe("ok\n");
    });
  });

  test("health watch tells of each change", async () => {
    transport.setServing(false);
    const watch = start("health watch", targets.tcp);
    await watch.line(/NOT_SERVING/);
    transport.setServing(true);
    await watch.end();
    expect(watch.output()).toBe("status NOT_SERVING\nstatus SERVING\nok\n");
  });

  test("a deadline is told to the Check, in what is left of it", async () => {
    const before = checks.calls.length;
    await run("deadline", targets.tcp);
    const timeoutMs = checks.calls[before]?.grpcTimeoutMs ?? 0;
    expect(timeoutMs).toBeGreaterThan(0);
    expect(timeoutMs).toBeLessThanOrEqual(300);
  });

  test("drains lose no call", async () => {
    const client = start("through drains", targets.tcp);
    await client.line(/calling/);
    for (let round = 0; round < 3; round += 1) {
      const before = checks.calls.length;
      await until("calls on the new server", () => checks.calls.length > before + 100);
      expect(await transport.drain(0, 5_000)).toBe("finished");
      await startTransport([targets.tcp, `unix:${join(folder, "grpc.sock")}`]);
    }
    client.signal("SIGTERM");
    await client.end();
    expect(client.output()).toBe("calling\nok\n");
  });
});
