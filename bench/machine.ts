// What a result is worth nothing without: the machine, the versions of everything measured, and the commit.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { join } from "node:path";

export interface Machine {
  readonly cpu: string;
  readonly coreCount: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Server on one core, everything else on another. */
  readonly pinned: boolean;
}

export function describeMachine(pinned: boolean): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    coreCount: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    pinned,
  };
}

/** By name; "none" where a program is not there. */
export function describeVersions(project: string, envoyBinary: string): Readonly<Record<string, string>> {
  return {
    portcullis: commitOf(project),
    node: process.versions.node,
    "grpc-js": packageVersion(project, "@grpc/grpc-js"),
    ioredis: packageVersion(project, "ioredis"),
    envoy: versionIn(envoyBinary, ["--version"], /\/(\d+\.\d+\.\d+)\//),
    redis: versionIn("redis-server", ["--version"], /v=(\S+)/),
    go: versionIn("go", ["version"], /go(\d\S*)/),
  };
}

function commitOf(project: string): string {
  const commit = versionIn("git", ["-C", project, "rev-parse", "--short", "HEAD"], /(\S+)/);
  const changed = versionIn("git", ["-C", project, "status", "--porcelain", "--", "src"], /(\S)/);
  return changed === "none" ? commit : `${commit} with local changes`;
}

function packageVersion(project: string, name: string): string {
  const file = join(project, "node_modules", name, "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function versionIn(program: string, argv: readonly string[], pattern: RegExp): string {
  try {
    const told = execFileSync(program, argv, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return pattern.exec(told)?.[1] ?? "none";
  } catch {
    return "none";
  }
}
