// Reading the file itself and the secrets beside it, with everything that can be wrong with a file.

import { chmodSync, mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import { formatProblem } from "../../../src/config/problem.ts";
import { readConfigFile } from "../../../src/config/read-file.ts";
import { MINIMAL } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "portcullis-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function reason(path: string): string {
  const text = readConfigFile(path);
  return text.ok ? "(read)" : text.error.map((problem) => problem.problem).join();
}

describe("a configuration file", () => {
  it("is read through symbolic links, without its byte order mark", () => {
    const path = file("bom.yaml", `\uFEFFdeadline: 1s\n`);
    symlinkSync(path, join(folder, "link.yaml"));
    expect(readConfigFile(join(folder, "link.yaml"))).toEqual({ ok: true, value: "deadline: 1s\n" });
  });

  it("that is not there, a folder, too large or no text says so", () => {
    mkdirSync(join(folder, "sub"));
    expect(reason(join(folder, "none.yaml"))).toBe("does not exist");
    expect(reason(join(folder, "bom.yaml", "x"))).toBe("does not exist");
    expect(reason(join(folder, "sub"))).toBe("is a directory");
    expect(reason(file("large.yaml", "#".repeat(10_000_000)))).toBe("is larger than 1048576 bytes");
    expect(reason("/dev/zero")).toBe("is larger than 1048576 bytes");
    expect(reason(file("binary.yaml", new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe])))).toBe("is no UTF-8 text");
    expect(reason(file("utf16.yaml", Buffer.from("a: 1\n", "utf16le")))).toBe("is no text: it holds NUL bytes");
  });

  it.skipIf(process.getuid?.() === 0)("that may not be read says so", () => {
    const path = file("closed.yaml", MINIMAL);
    chmodSync(path, 0);
    expect(reason(path)).toBe("may not be read: permission denied");
  });
});

describe("store.urlFile", () => {
  const load = (more: string): string => {
    const loaded = loadConfig(join(folder, "p.yaml"), MINIMAL + more, {});
    return loaded.ok ? loaded.value.config.store.url : loaded.error.map(formatProblem).join("\n");
  };

  it("is read relative to the configuration, its line end cut", () => {
    file("redis-url", "redis://:pa$$word@redis:6379/2\n");
    expect(load("store: { urlFile: redis-url }")).toBe("redis://:pa$$word@redis:6379/2");
  });

  it("is refused where it cannot be read, or stands beside url", () => {
    expect(load("store: { urlFile: gone }")).toMatch(/store\.urlFile {2}is "gone": the file does not exist/);
    expect(load("store: { urlFile: redis-url, url: redis://h }")).toMatch(/store\.urlFile {2}stands beside store\.url/);
  });

  it("is checked like url, and never shown", () => {
    file("bad-url", "hunter2");
    expect(load("store: { urlFile: bad-url }")).toMatch(/store\.urlFile {2}is no URL of a Redis/);
    expect(load("store: { urlFile: bad-url }")).not.toContain("hunter2");
    file("cluster-url", "redis+cluster://h:1");
    expect(load("store: { urlFile: cluster-url }\nfeed: { type: redis }")).toMatch(
      /feed\.type {2}is redis, but a Cluster/,
    );
  });
});

describe("issuers[].jwks.file", () => {
  it("that is not there is warned of, for it may come later", () => {
    file("jwks.json", '{"keys":[]}');
    const warnings = (name: string): readonly string[] => {
      const text = `issuers: [{ issuer: a, jwks: { file: ${name} }, audiences: [x] }]`;
      const loaded = loadConfig(join(folder, "p.yaml"), text, {});
      return loaded.ok ? loaded.value.warnings.map(({ path, problem }) => `${path}  ${problem}`) : ["(not loaded)"];
    };
    expect(warnings("jwks.json")).toEqual([]);
    expect(warnings("nowhere.json")).toEqual(["issuers[0].jwks.file  the file does not exist"]);
  });
});

describe("control.audit.secretFile", () => {
  it("gives the secret, and is refused, unshown, where it holds too little or cannot be read", () => {
    file("audit-secret", `${"s".repeat(32)}\n`);
    file("short-secret", "hunter2");
    const text = (name: string): string => `control: { audit: { secretFile: ${name} } }`;
    const read = (more: string) => loadConfig(join(folder, "p.yaml"), MINIMAL + more, {});
    const load = (more: string): string => {
      const loaded = read(more);
      return loaded.ok ? "" : loaded.error.map(formatProblem).join("\n");
    };
    const loaded = read(text("audit-secret"));
    expect(loaded.ok && loaded.value.config.control.audit.secret).toBe("s".repeat(32));
    expect(load(text("gone"))).toMatch(/control\.audit\.secretFile {2}is "gone": the file does not exist/);
    expect(load(text("short-secret"))).toMatch(/control\.audit\.secretFile {2}the file holds too little/);
    expect(load(text("short-secret"))).not.toContain("hunter2");
  });
});
