// Everything but the store: two sidecars behind one real Envoy, two control planes, issuer and upstream, as processes that
// can be killed and come back.

import { createHash, randomBytes } from "node:crypto";
import { startUpstream } from "../../examples/upstream/upstream.ts";
import { addEndpoint, NEWEST_ENVOY, startEnvoy, type EnvoyProcess } from "../support/envoy.ts";
import { freePorts } from "../support/ports.ts";
import { startPortcullis } from "../support/portcullis.ts";
import { until } from "../support/wait.ts";
import { createSteppedClock, type SteppedClock } from "./clock-step.ts";
import { AUDIENCE, ISSUER, startChaosIssuer, type ChaosIssuer } from "./issuer.ts";
import type { TierFacts } from "./history.ts";
import { startMember, type Member } from "./member.ts";
import type { World } from "./worlds/world.ts";

/** Short, so that every age is crossed several times in a run of seconds. */
export const TIERS: Readonly<Record<string, TierFacts>> = {
  critical: { maxStalenessMs: 0, failOpenForMs: 0 },
  standard: { maxStalenessMs: 1_000, failOpenForMs: 0 },
  low: { maxStalenessMs: 2_000, failOpenForMs: 1_500 },
};

export const SIDECARS = ["a", "b"] as const;
export const PLANES = ["p", "q"] as const;

export interface Fleet {
  readonly issuer: ChaosIssuer;
  readonly envoy: EnvoyProcess;
  readonly sidecars: readonly Member[];
  readonly planes: readonly Member[];
  /** Of each sidecar; undefined where no clock can be stepped. */
  readonly clocks: ReadonlyMap<string, SteppedClock> | undefined;
  /** Of the API's administrator. */
  readonly adminToken: string;
  /** Resolves once every process runs and is ready. */
  mend(): Promise<void>;
  stop(): Promise<void>;
}

/** `program` is the `bin/portcullis` of another checkout, for the sidecars and planes to be built from. */
export async function startFleet(world: World, program?: string): Promise<Fleet> {
  const [issuer, upstream] = await Promise.all([startChaosIssuer(), startUpstream({ host: "127.0.0.1", port: 0 })]);
  const adminToken = randomBytes(32).toString("base64url");
  const common = {
    issuers: [{ issuer: ISSUER, jwks: { url: issuer.jwksUrl }, audiences: [AUDIENCE], algorithms: ["ES256"] }],
  };
  const clocks = new Map<string, SteppedClock>();
  const ports = await freePorts(2 * SIDECARS.length + PLANES.length);
  const address = (index: number): string => `127.0.0.1:${ports[index]}`;
  const withProgram = program === undefined ? {} : { program };

  const startSidecar = (name: string, index: number): Promise<Member> => {
    const clock = createSteppedClock();
    if (clock !== undefined) clocks.set(name, clock);
    return startMember(name, (generation) =>
      startPortcullis({
        ...withProgram,
        command: "serve",
        waitUntilReady: false,
        env: clock?.env ?? {},
        config: {
          ...common,
          listen: { grpc: address(2 * index), ops: address(2 * index + 1) },
          store: { url: world.urlFor(name) },
          // One with a replica, one that asks: both halves of the ladder.
          feed: { type: index === 0 && world.feedsReplicas ? "redis" : "none" },
          tiers: Object.fromEntries(Object.entries(TIERS).map(([tier, facts]) => [tier, written(facts)])),
          // The rule's name comes back with every decision: it says which process made it.
          routes: Object.keys(TIERS).map((tier) => ({
            path: `/${tier}/**`,
            tier,
            name: `${tier}.${name}${generation}`,
          })),
        },
      }),
    );
  };
  const startPlane = (name: string, index: number): Promise<Member> =>
    startMember(name, () =>
      startPortcullis({
        ...withProgram,
        command: "control",
        config: {
          ...common,
          listen: { control: address(2 * SIDECARS.length + index) },
          store: { url: world.urlFor(name) },
          control: {
            tokens: [
              {
                name: "chaos",
                sha256: createHash("sha256").update(adminToken).digest("hex"),
                scopes: ["portcullis:admin"],
              },
            ],
          },
        },
      }),
    );
  const sidecars = await Promise.all(SIDECARS.map(startSidecar));
  const planes = await Promise.all(PLANES.map(startPlane));
  const envoy = await startEnvoy({
    version: NEWEST_ENVOY,
    portcullis: ports[0] ?? 0,
    upstreamPort: upstream.port,
    edit: ({ portcullisCluster }) => addEndpoint(portcullisCluster, ports[2] ?? 0),
  });
  return {
    issuer,
    envoy,
    sidecars,
    planes,
    clocks: clocks.size === 0 ? undefined : clocks,
    adminToken,
    async mend() {
      issuer.mend();
      for (const clock of clocks.values()) clock.stepTo(0);
      await Promise.all([...sidecars, ...planes].map((member) => member.revive()));
      await Promise.all(sidecars.map(untilReady));
    },
    async stop() {
      await Promise.all([...sidecars, ...planes].map((member) => member.stop()));
      await Promise.all([envoy.stop(), issuer.stop(), upstream.close()]);
      for (const clock of clocks.values()) clock.remove();
    },
  };
}

export async function untilReady(sidecar: Member): Promise<void> {
  await until(
    `${sidecar.name} to be ready`,
    async () => (await fetch(`${sidecar.current().opsUrl}/readyz`, { signal: AbortSignal.timeout(1_000) })).ok,
    30_000,
  );
}

function written({ maxStalenessMs, failOpenForMs }: TierFacts): object {
  return { maxStaleness: `${maxStalenessMs}ms`, failOpenFor: `${failOpenForMs}ms` };
}
