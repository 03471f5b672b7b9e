// The ways in which a configuration file changes for real: written over, replaced by rename, swapped behind a symbolic
// link as a mounted ConfigMap is, gone for a while, changed while the sidecar still starts. No signal is sent.

import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PORTCULLIS } from "../support/portcullis.ts";
import { startProcess } from "../support/process.ts";
import { JWKS, startSidecar, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const YAML = "store: { type: memory }\nroutes: [{ path: /open-a, anonymous: true }]\n";

let sidecar: SidecarUnderTest;
let text: string;
beforeAll(async () => {
  sidecar = await startSidecar(YAML);
  text = readFileSync(sidecar.configFile, "utf8");
});
afterAll(() => sidecar.stop());

/** Every text has the same length: the size gives no change away. */
const opening = (letter: string): string => text.replace("/open-a", `/open-${letter}`);

async function isOpen(letter: string): Promise<boolean> {
  return (await sidecar.check({ path: `/open-${letter}` })).status === 200;
}

const untilOpen = (letter: string): Promise<boolean> => until(`/open-${letter} to be open`, () => isOpen(letter));

test("a file put in its place by rename is noticed", async () => {
  writeFileSync(`${sidecar.configFile}.new`, opening("b"));
  renameSync(`${sidecar.configFile}.new`, sidecar.configFile);
  await untilOpen("b");
  expect(await isOpen("a")).toBe(false);
});

test("of several quick changes the last one ends in force", async () => {
  for (const letter of "cdefgh") {
    writeFileSync(sidecar.configFile, opening(letter));
    if (letter === "e") await untilOpen("e");
    else sidecar.process.signal("SIGHUP");
  }
  await untilOpen("h");
  for (const letter of "abcdefg") expect(await isOpen(letter)).toBe(false);
});

test("a ConfigMap is swapped by a link to a link, and that is noticed", async () => {
  const { folder, configFile } = sidecar;
  const map = (version: string, letter: string): void => {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, "portcullis.yaml"), opening(letter));
    symlinkSync(version, join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  };
  map("..v1", "i");
  symlinkSync("..data/portcullis.yaml", `${configFile}.link`);
  renameSync(`${configFile}.link`, configFile);
  await untilOpen("i");
  map("..v2", "j");
  await untilOpen("j");
  expect(await isOpen("i")).toBe(false);
});

test("a file that is gone is a refused one, and one that comes back with the same text is good again", async () => {
  const refused = (): Promise<number> => sidecar.metric('portcullis_config_reload_total{result="refused"}');
  const reloaded = (): Promise<number> => sidecar.metric('portcullis_config_reload_total{result="ok"}');
  const before = { refused: await refused(), reloaded: await reloaded() };
  unlinkSync(sidecar.configFile);
  await until("the loss to be told", async () => (await refused()) > before.refused);
  await sidecar.process.line(/does not exist/);
  expect(await isOpen("j")).toBe(true);
  writeFileSync(sidecar.configFile, opening("j"));
  await until("the file to be read", async () => (await reloaded()) > before.reloaded);
});

test("a change after it was read and before it is watched comes into force", async () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-"));
  const configFile = join(folder, "portcullis.yaml");
  writeFileSync(join(folder, "jwks.json"), JWKS);
  // A pipe as a secret's file: whoever reads the configuration stands still until somebody writes.
  execFileSync("mkfifo", [join(folder, "gate")]);
  writeFileSync(configFile, opening("a").replace("type: memory", "type: memory, urlFile: gate"));
  const starting = startProcess(PORTCULLIS, ["serve", "--config", configFile]);
  try {
    const gate = await open(join(folder, "gate"), "w");
    writeFileSync(configFile, opening("b").replace("delay: 50ms", "delay: 60ms"));
    await gate.writeFile("redis://127.0.0.1:1");
    await gate.close();
    const [, part] = await starting.line(/"part":"(drain)","event":"config_change_needs_restart"/);
    expect(part).toBe("drain");
  } finally {
    await starting.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
