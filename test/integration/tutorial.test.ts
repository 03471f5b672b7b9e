// docs/tutorial.md as a newcomer follows it: every command of it, in its order, in one shell; and each output that it
// promises. It needs the ports that the tutorial names.
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startProcess } from "../support/process.ts";

const TUTORIAL = readFileSync("docs/tutorial.md", "utf8");
const STEP = /^## (.+)$|^```sh\n([\s\S]*?)^```(?:\n\n```text\n([\s\S]*?)^```)?/gm;

interface Step {
  readonly title: string;
  readonly commands: string;
  /** `…` stands for anything; undefined: none is promised. */
  readonly promised: string | undefined;
}

function steps(): readonly Step[] {
  const found: Step[] = [];
  let title = "";
  for (const [, heading, commands, promised] of TUTORIAL.matchAll(STEP)) {
    if (heading !== undefined) title = heading;
    if (commands !== undefined) found.push({ title, commands, promised });
  }
  return found;
}

const STEPS = steps();
const BEGIN = "@@ step";
const PORTS = [8000, 8080, 9001, 9002, 9003, 9901];

/** By number; what a shell that gave up did not come to is missing. */
let outputs: readonly string[] = [];
let folder = "";

/** Of a program that is none of the tutorial's: what it answers would be taken for Portcullis'. */
function takenPorts(): Promise<readonly number[]> {
  const taken = PORTS.map(async (port) => {
    const socket = connect(port, "127.0.0.1");
    const isTaken = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    return isTaken ? [port] : [];
  });
  return Promise.all(taken).then((ports) => ports.flat());
}

beforeAll(async () => {
  const taken = await takenPorts();
  if (taken.length > 0) throw new Error(`something else is using these ports: ${taken.join(", ")}`);
  folder = mkdtempSync(join(tmpdir(), "portcullis-tutorial-"));
  const commands = STEPS.map(({ commands: own }) => `echo '${BEGIN}'\n${own}`).join("\n");
  const script = `set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n${commands}\n`;
  const shell = startProcess("bash", ["-c", script.replaceAll("/tmp/my-service", folder)], {
    env: { PORTCULLIS_TOKEN: undefined, PORTCULLIS_TOKEN_FILE: undefined, PORTCULLIS_CONTROL_URL: undefined },
  });
  const timer = setTimeout(() => shell.signal("SIGTERM"), 100_000);
  const end = await shell.end();
  clearTimeout(timer);
  const all = shell.output();
  outputs = all.split(`${BEGIN}\n`).slice(1);
  if (end !== 0) throw new Error(`the shell ended with ${end}:\n${all}`);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PROMISES = STEPS.flatMap((step, index) => (step.promised === undefined ? [] : [{ ...step, index }]));

test.each(PROMISES)("$title: prints what it promises", ({ promised = "", index }) => {
  const literal = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const pattern = promised.trim().split("…").map(literal).join("[\\s\\S]*");
  expect(outputs[index]?.trim()).toMatch(new RegExp(`^${pattern}$`));
});

test("every command was come to", () => {
  expect(PROMISES.length).toBeGreaterThan(5);
  expect(outputs).toHaveLength(STEPS.length);
});
