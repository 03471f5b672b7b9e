// Log lines get out in order and without tokens, and a reader who is slow or gone never holds up a call.
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLog } from "../../../src/telemetry/log.ts";
import { createLogOutput } from "../../../src/telemetry/log-output.ts";

const TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "portcullis-log-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test("lines are JSON, one a line, in the order written, and all out after a flush", async () => {
  const path = join(directory, "out");
  const output = createLogOutput(openSync(path, "a"));
  const log = createLog(output);
  log.info("started", { port: 9001, tiers: ["low", "standard"], absent: undefined });
  log.warn("key set kept", { issuer: "main" });
  log.error("failed");
  await output.flush();
  const lines = readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  expect(lines).toMatchObject([
    { level: "info", event: "started", port: 9001, tiers: ["low", "standard"] },
    { level: "warn", event: "key set kept", issuer: "main" },
    { level: "error", event: "failed" },
  ]);
  expect(output.droppedCount()).toBe(0);
});

test("a token that somebody logs by mistake does not get out, wherever it stands", async () => {
  const path = join(directory, "out");
  const output = createLogOutput(openSync(path, "a"));
  const log = createLog(output);
  log.error(`verify failed for ${TOKEN}`, { detail: `Bearer ${TOKEN}`, list: ["a", TOKEN], [TOKEN]: 1 });
  output.write(`${TOKEN}\n`);
  await output.flush();
  const written = readFileSync(path, "utf8");
  for (const part of TOKEN.split(".")) expect(written).not.toContain(part);
  expect(written.match(/\[token\]/g)).toHaveLength(5);
});

test("a reader that does not read blocks nobody: lines beyond the bound are dropped and counted", async () => {
  const fifo = join(directory, "fifo");
  execFileSync("mkfifo", [fifo]);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const output = createLogOutput(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK));
  const log = createLog(output);
  const detail = "x".repeat(1_000);
  for (let i = 0; i < 10_000; i += 1) log.info("flood", { detail });
  expect(output.droppedCount()).toBeGreaterThan(4_000);
  await output.flush();
  closeSync(reader);
});

test("a reader that goes away ends the log, not the process", async () => {
  const fifo = join(directory, "fifo");
  execFileSync("mkfifo", [fifo]);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const output = createLogOutput(openSync(fifo, constants.O_WRONLY));
  closeSync(reader);
  const log = createLog(output);
  for (let i = 0; i < 100; i += 1) {
    log.info("nobody hears this");
    await new Promise((resolve) => setImmediate(resolve));
  }
  await output.flush();
  expect(() => log.info("still here")).not.toThrow();
});
