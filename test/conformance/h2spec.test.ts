// RFC 9113 and RFC 7541 as h2spec holds a server to them: its generic, hpack and http2 parts, every case.
import { readFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Transport } from "../../src/ext-authz/transport.ts";
import { createWireServer } from "../../src/ext-authz/wire/server.ts";
import { H2SPEC, WHY_SKIPPED } from "../support/conformance-programs.ts";
import { createEchoChecks } from "../support/echo-checks.ts";
import { startProcess } from "../support/process.ts";

/** Of version 2.2.1, so that none goes missing unseen. */
const CASE_COUNT = 145;

describe.skipIf(WHY_SKIPPED !== "")(`h2spec${WHY_SKIPPED}`, () => {
  let folder: string;
  let transport: Transport;
  let port: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "portcullis-h2spec-"));
    const checks = createEchoChecks().handler;
    transport = createWireServer({ listen: ["127.0.0.1:0"], checks, log: { warn: () => undefined } });
    const [bound = ""] = await transport.start();
    port = bound.replace(/^.*:/, "");
  });

  afterAll(async () => {
    await transport.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("every case passes and none is left out", { timeout: 120_000 }, async () => {
    const report = join(folder, "report.xml");
    const spec = startProcess(H2SPEC, ["--port", port, "--timeout", "5", "--junit-report", report]);
    await spec.end();
    const cases = readFileSync(report, "utf8").match(/<testcase[^]*?<\/testcase>/g) ?? [];
    const others = cases.filter((one) => !/<testcase[^>]*><\/testcase>/.test(one));
    expect(others, spec.output()).toEqual([]);
    expect(cases).toHaveLength(CASE_COUNT);
  });
});
