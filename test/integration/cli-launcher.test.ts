// bin/portcullis as a shell runs it: from anywhere, through links, on the right Node or with a word on how to get it.

import { execFile, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startProcess } from "../support/process.ts";
import { until } from "../support/wait.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const LAUNCHER = join(ROOT, "bin/portcullis");
const folder = realpathSync(mkdtempSync(join(tmpdir(), "portcullis launcher-")));
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd: options.cwd ?? folder, env: options.env ?? process.env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

/** A checkout of its own with a program that prints what it was given, no package and no Node. */
function checkout(name: string, ...mains: readonly string[]): string {
  const root = join(folder, name);
  mkdirSync(join(root, "bin"), { recursive: true });
  mkdirSync(join(root, "node_modules"));
  cpSync(LAUNCHER, join(root, "bin/portcullis"));
  for (const main of mains) {
    mkdirSync(dirname(join(root, main)), { recursive: true });
    writeFileSync(
      join(root, main),
      "console.log(JSON.stringify([process.argv.slice(1), process.execArgv, process.pid]));\n",
    );
  }
  return root;
}

function fakeNode(path: string, version: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\ncase $1 in --version) echo "${version}";; *) echo "ran ${version} $*";; esac\n`);
  chmodSync(path, 0o755);
}

/** PATH with the usual tools and one folder before them. */
function pathWith(before: string): NodeJS.ProcessEnv {
  return { PATH: `${before}:/usr/bin:/bin` };
}

describe("the launcher", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "ends a server with 0 by %s though it still looks for Node",
    async (signal) => {
      const root = checkout(signal, "src/main.ts");
      const node = join(root, "node_modules/.bin/node");
      fakeNode(node, "v24.12.0");
      const asked = join(root, "asked");
      const script = `#!/bin/sh\necho > "${asked}"\nwhile [ -e "${asked}" ]; do :; done\n`;
      writeFileSync(node, readFileSync(node, "utf8").replace("#!/bin/sh\n", script));
      const starting = startProcess(join(root, "bin/portcullis"), ["serve", "--config", "none.yaml"]);
      await until("it to ask Node for its version", () => existsSync(asked));
      starting.signal(signal);
      rmSync(asked);
      expect(await starting.end()).toBe(0);
      expect(starting.output()).toBe("");
    },
  );

  it("runs from any directory, and through links to links", async () => {
    symlinkSync(LAUNCHER, join(folder, "first"));
    mkdirSync(join(folder, "deep/er"), { recursive: true });
    symlinkSync("../../first", join(folder, "deep/er/second"));
    const direct = await run(LAUNCHER, ["--version"], { cwd: "/" });
    expect(direct).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    expect(await run("./second", ["--version"], { cwd: join(folder, "deep/er") })).toEqual(direct);
  });

  it("prefers the project's own Node", async () => {
    const root = checkout("own", "src/main.ts");
    fakeNode(join(root, "node_modules/.bin/node"), "v24.12.0");
    fakeNode(join(folder, "path-a/node"), "v24.99.0");
    const { out } = await run(join(root, "bin/portcullis"), ["list"], { env: pathWith(join(folder, "path-a")) });
    expect(out).toMatch(/^ran v24\.12\.0 /);
  });

  it.each(["v24.11.9", "v22.22.0", "v9.0.0", "v25.0.0", "v26.12.0", "v240.12.0", "", "not found"])(
    "passes over a Node that does not suit: %j",
    async (version) => {
      const root = checkout(`old-${version}`, "src/main.ts");
      fakeNode(join(root, "node_modules/.bin/node"), version);
      fakeNode(join(folder, `path-${version}/node`), "v24.20.0");
      const { out } = await run(join(root, "bin/portcullis"), ["list"], {
        env: pathWith(join(folder, `path-${version}`)),
      });
      expect(out).toMatch(/^ran v24\.20\.0 /);
    },
  );

  it("takes what package.json takes, and says so in the same numbers", () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { engines: { node: string } };
    expect(engines.node).toBe(">=24.12 <25");
  });

  it("says how to get a Node where none suits, and exits with 2", async () => {
    const root = checkout("none", "src/main.ts");
    fakeNode(join(folder, "path-b/node"), "v20.19.0");
    const outcome = await run(join(root, "bin/portcullis"), ["list"], { env: pathWith(join(folder, "path-b")) });
    expect(outcome).toMatchObject({ code: 2, out: "" });
    expect(outcome.err).toContain("needs Node 24, 24.12 or newer, found 20.19.0");
    expect(outcome.err).toContain("make packages");
  });

  it("says how to get the packages where a checkout has none, and exits with 2", async () => {
    const root = checkout("bare", "src/main.ts");
    rmSync(join(root, "node_modules"), { recursive: true });
    const outcome = await run(join(root, "bin/portcullis"), ["list"], { env: pathWith(dirname(process.execPath)) });
    expect(outcome).toMatchObject({ code: 2, out: "" });
    expect(outcome.err).toMatch(
      /^portcullis: the packages it needs are missing: 'make packages' in .+ installs them there\.\n$/,
    );
  });

  it("runs the sources where they are, the build where there are none, and hands arguments on as they are", async () => {
    const args = ["a b", "", "*", "$HOME", "--x=y"];
    for (const [name, mains, expected] of [
      ["both", ["src/main.ts", "dist/main.js"], "src/main.ts"],
      ["image", ["dist/main.js"], "dist/main.js"],
    ] as const) {
      const root = checkout(name, ...mains);
      const { out } = await run(join(root, "bin/portcullis"), args, { env: pathWith(dirname(process.execPath)) });
      const [argv] = JSON.parse(out) as [readonly string[]];
      expect(argv).toEqual([join(root, expected), ...args]);
    }
  });

  it("keeps what Node makes of sources, in the checkout and nowhere else", async () => {
    const root = checkout("kept", "src/main.ts");
    const env = pathWith(dirname(process.execPath));
    expect(await run(join(root, "bin/portcullis"), [], { env })).toMatchObject({ code: 0 });
    expect(readdirSync(join(root, ".cache/node"))).not.toEqual([]);
    const image = checkout("nothing-kept", "dist/main.js");
    expect(await run(join(image, "bin/portcullis"), [], { env })).toMatchObject({ code: 0 });
    expect(existsSync(join(image, ".cache"))).toBe(false);
  });

  it("runs where nothing can be kept", async () => {
    const root = checkout("unwritable", "src/main.ts");
    writeFileSync(join(root, ".cache"), "no folder");
    const outcome = await run(join(root, "bin/portcullis"), [], { env: pathWith(dirname(process.execPath)) });
    expect(outcome).toMatchObject({ code: 0, err: "" });
  });

  it("becomes Node, so that signals and exit codes are its own", async () => {
    const root = checkout("exec", "src/main.ts");
    const program =
      'process.on("SIGTERM", () => process.exit(7)); console.log(process.pid); setTimeout(() => undefined, 60_000);\n';
    writeFileSync(join(root, "src/main.ts"), program);
    const child = spawn(join(root, "bin/portcullis"), { env: pathWith(dirname(process.execPath)) });
    const pid = await new Promise<number>((resolve) =>
      child.stdout.once("data", (line: Buffer) => resolve(Number(line.toString()))),
    );
    expect(pid).toBe(child.pid);
    child.kill("SIGTERM");
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(7);
  });
});
