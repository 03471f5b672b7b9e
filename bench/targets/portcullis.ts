// The product itself, started by its own command with a generated configuration.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fixtures } from "../fixtures/folder.ts";
import { AUDIENCE, ISSUER } from "../fixtures/tokens.ts";
import { freePort, isOk, until } from "../ports.ts";
import { CORE, type Core, type Processes, type Running } from "../processes.ts";
import type { Scenario, Target } from "./target.ts";

export interface Place {
  readonly processes: Processes;
  /** The checkout. */
  readonly project: string;
  readonly work: string;
  readonly fixtures: Fixtures;
}

export interface Settings {
  readonly redisSocket: string;
  readonly tiers: object;
  /** redis is the product's default. */
  readonly feed: "redis" | "none";
  readonly routes?: readonly object[];
  readonly verifiedTokenCount?: number;
  readonly control?: object;
  /** The product's default unless told otherwise. */
  readonly deadline?: string;
  /** The product's default unless told otherwise. */
  readonly transport?: "wire" | "grpc-js";
  /** Ports of further workers: it then runs on any core. None unless told otherwise. */
  readonly workerPorts?: readonly number[];
}

/** Starts `bin/portcullis serve` with this configuration; answers Checks on `port` when done. */
export async function startSidecar(place: Place, settings: Settings, port: number): Promise<Running> {
  const opsPort = await freePort();
  const { transport, workerPorts } = settings;
  const listen = {
    grpc: [port, ...(workerPorts ?? [])].map((each) => `127.0.0.1:${each}`),
    ops: `127.0.0.1:${opsPort}`,
    control: "127.0.0.1:0",
    ...(transport === undefined ? {} : { transport }),
  };
  const running = start(place, "serve", workerPorts === undefined ? CORE.server : "any", listen, settings);
  await until("portcullis serve", running, () => isOk(`http://127.0.0.1:${opsPort}/readyz`));
  return running;
}

/** Starts `bin/portcullis control` with this configuration; its API is on `port` when done. */
export async function startControlPlane(place: Place, settings: Settings, port: number): Promise<Running> {
  const listen = { grpc: "127.0.0.1:0", ops: "127.0.0.1:0", control: `127.0.0.1:${port}` };
  const running = start(place, "control", CORE.others, listen, settings);
  await until("portcullis control", running, () => isOk(`http://127.0.0.1:${port}/openapi.json`));
  return running;
}

function start(place: Place, command: "serve" | "control", core: Core, listen: object, settings: Settings): Running {
  const config = {
    workers: 1 + (settings.workerPorts?.length ?? 0),
    listen,
    issuers: [
      {
        issuer: ISSUER,
        id: "main",
        jwks: { file: place.fixtures.jwksFile },
        audiences: [AUDIENCE],
        algorithms: ["RS256", "ES256", "ES384"],
        profile: "jwt",
      },
    ],
    store: { type: "redis", url: `unix:${settings.redisSocket}`, requireNoEviction: false },
    feed: { type: settings.feed },
    tiers: settings.tiers,
    routes: settings.routes ?? [],
    limits: { verifiedTokens: settings.verifiedTokenCount ?? 100_000 },
    telemetry: { sampleRatio: 0, decisions: { allow: 0 } },
    ...(settings.deadline === undefined ? {} : { deadline: settings.deadline }),
    ...(settings.control === undefined ? {} : { control: settings.control }),
  };
  const file = join(place.work, `portcullis-${command}.yaml`);
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config, undefined, 2));
  const program = [join(place.project, "bin/portcullis"), command, "--config", file];
  return place.processes.start(`portcullis-${command}`, core, program);
}

const SCENARIOS: readonly Scenario[] = [
  { kind: "recent", name: "recent", alg: "rs256" },
  { kind: "replica", name: "replica", alg: "rs256" },
  { kind: "ask", name: "ask", alg: "rs256" },
  { kind: "cold-rs256", name: "cold", alg: "rs256" },
  { kind: "cold-es256", name: "cold", alg: "es256" },
];

/** The same on the stock gRPC library: what our own transport saves. */
export function grpcJsTarget(place: Place, redisSocket: string): Target {
  return {
    name: "portcullis on grpc-js",
    isOurs: true,
    usesStore: true,
    inEveryRound: true,
    scenarios: SCENARIOS.slice(0, 1),
    start: (_scenario, port) =>
      startSidecar(
        place,
        { redisSocket, tiers: { bench: { maxStaleness: "2s" } }, feed: "none", transport: "grpc-js" },
        port,
      ),
  };
}

/** recent: an answer up to 2 s old is good. replica: the same, and the replica has it. cold: no token is remembered, and the store is asked on every call. */
export function portcullisTarget(place: Place, redisSocket: string): Target {
  return {
    name: "portcullis",
    isOurs: true,
    usesStore: true,
    inEveryRound: true,
    scenarios: SCENARIOS,
    start: (scenario, port) =>
      startSidecar(
        place,
        {
          redisSocket,
          tiers: { bench: { maxStaleness: scenario.name === "recent" || scenario.name === "replica" ? "2s" : "0s" } },
          feed: scenario.name === "replica" ? "redis" : "none",
          ...(scenario.name === "cold" ? { verifiedTokenCount: 0 } : {}),
        },
        port,
      ),
  };
}
