// What users would pick instead, where a folder of peers lies beside the checkout and Go is there to build them. Each peer
// is one shell file: SCENARIOS, REDIS, build(), start ADDRESS SCENARIO. Nothing is measured that does not build.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { isListening, until } from "../ports.ts";
import { CORE, type Processes } from "../processes.ts";
import type { Scenario, ScenarioKind, Target } from "./target.ts";

export interface PeersOptions {
  /** The folder with servers/NAME.sh. */
  readonly folder: string;
  readonly work: string;
  /** With jwks.json. */
  readonly fixtures: string;
  readonly redisSocket: string;
  /** Where anything fetched over HTTP is the JWK set. */
  readonly jwksPort: number;
}

/** Have targets of their own. */
const ELSEWHERE: ReadonlySet<string> = new Set(["portcullis", "heimdall"]);
const FAR_OFF: ReadonlySet<string> = new Set(["opa"]);

/** Targets for all peers that build here; why each other one does not goes to `skipped`. */
export async function buildPeers(
  processes: Processes,
  options: PeersOptions,
  skipped: (name: string, why: string) => void,
): Promise<Target[]> {
  const servers = join(options.folder, "servers");
  if (!existsSync(servers)) return [];
  if (spawnSync("go", ["version"]).status !== 0) {
    skipped("peers", "no Go on this machine");
    return [];
  }
  const bin = join(options.work, "bin");
  mkdirSync(bin, { recursive: true });
  const env = {
    HERE: options.folder,
    BIN: bin,
    DATA: options.fixtures,
    RUN: options.work,
    REDIS_SOCK: options.redisSocket,
    JWKS_PORT: String(options.jwksPort),
    NODE: process.execPath,
  };
  const targets: Target[] = [];
  for (const file of readdirSync(servers).filter((name) => name.endsWith(".sh"))) {
    const name = basename(file, ".sh");
    if (ELSEWHERE.has(name)) continue;
    try {
      const script = '. "$1"; build >&2 || exit 1; echo "$REDIS $SCENARIOS"';
      const told = await processes.run(CORE.others, ["bash", "-c", script, name, join(servers, file)], env);
      const [redis, ...scenarios] = told.trim().split(/\s+/);
      targets.push(peerTarget(processes, name, join(servers, file), env, redis === "yes", scenarios));
    } catch (error) {
      skipped(name, `does not build here; OPA_ENVOY names the binary of OPA-Envoy (${lastLine(error)})`);
    }
  }
  return targets;
}

function peerTarget(
  processes: Processes,
  name: string,
  file: string,
  env: NodeJS.ProcessEnv,
  usesStore: boolean,
  scenarios: readonly string[],
): Target {
  return {
    name,
    isOurs: false,
    usesStore,
    inEveryRound: !FAR_OFF.has(name),
    scenarios: scenarios.flatMap((scenario) => scenariosOf(scenario, usesStore)),
    start: async (scenario, port) => {
      const address = `127.0.0.1:${port}`;
      const command = ["bash", "-c", '. "$1"; start "$2" "$3"', name, file, address, scenario.name];
      const running = processes.start(name, CORE.server, command, env);
      await until(name, running, () => isListening({ host: "127.0.0.1", port }));
      return running;
    },
  };
}

/** Who verifies by itself and asks a store is held against both of our cold rows. */
function scenariosOf(name: string, usesStore: boolean): Scenario[] {
  const scenario: Scenario = { kind: kindOf(name, usesStore), name, alg: "rs256" };
  return name === "cold" && usesStore ? [scenario, { kind: "cold-es256", name, alg: "es256" }] : [scenario];
}

function kindOf(scenario: string, usesStore: boolean): ScenarioKind {
  if (scenario === "cold") return "cold-rs256";
  if (scenario === "local") return "recent";
  if (scenario === "warm") return usesStore ? "ask" : "warm-unguarded";
  return "floor";
}

function lastLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trimEnd().split("\n").at(-1) ?? "";
}
