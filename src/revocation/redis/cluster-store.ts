// Revocations in a Redis Cluster: what the store is made of. A node that is out takes only its own keys with it.

import type { Result } from "../../core/result.ts";
import type { Shard } from "../shards.ts";
import type { RevocationStore, StoreHealth } from "../revocation-store.ts";
import type { StoreFault } from "../store.ts";
import { createClusterNodes, type ClusterNode } from "./cluster-nodes.ts";
import { beginClusterOperation } from "./cluster-operation.ts";
import { readCluster } from "./cluster-reader.ts";
import { createRoutes } from "./cluster-routes.ts";
import { createRedisEventLog } from "./event-log.ts";
import { fitnessOf, type Fitness } from "./fitness.ts";
import { linkForLookUps, linkForOperations } from "./links.ts";
import { CHANGES_APART } from "./markers-apart.ts";
import { OPERATION_TIMEOUT_MS, type Ask } from "./operation.ts";
import type { RedisStoreOptions } from "./options.ts";
import { feedLogKey } from "./own-keys.ts";
import { describePlace, type ClusterPlace } from "./place.ts";
import { recordsOf } from "./records.ts";
import { probeKeyIn, SLOT_COUNT, slotOf } from "./slots.ts";
import { togetherOn } from "./together.ts";
import type { Values } from "./values.ts";

/** The eviction policy is asked for on connecting and with every so many proofs of the role, about every 5 s. */
const PROOFS_PER_FITNESS = 10;

/** What is known of a node beyond its connections. */
interface Condition {
  proofs: number;
  fitness: Fitness;
  /** A role is told while loading too: only data proves that data is answered. */
  fault: StoreFault | undefined;
}

export function createClusterStore(place: ClusterPlace, options: RedisStoreOptions): RevocationStore {
  const { keyPrefix, timeoutMs, clock, log } = options;
  const conditions = new WeakMap<ClusterNode, Condition>();
  const probeKeys = new Map<number, string | undefined>();
  const nodes = createClusterNodes({
    seeds: place.seeds,
    clock,
    linksTo: (locator, proved) => ({
      lookUps: linkForLookUps(locator, clock, "by slot", proved),
      operations: linkForOperations(locator, clock, "portcullis-control"),
      durable: linkForOperations(locator, clock, "portcullis-durable"),
    }),
    onProve: (node, isFirst) => void examine(node, isFirst),
  });
  const routes = createRoutes(nodes, clock);
  const begin = (): Ask => beginClusterOperation(nodes, routes, clock);
  const together = togetherOn((key) => nodes.ownerOf(slotOf(key))?.durable);
  const waiting = linkForOperations(nodes.locatorOf(slotOf(feedLogKey(keyPrefix))), clock, "portcullis-events");

  async function examine(node: ClusterNode, isFirst: boolean): Promise<void> {
    const condition: Condition = conditions.get(node) ?? { proofs: 0, fitness: { state: "fit" }, fault: undefined };
    conditions.set(node, condition);
    condition.proofs = isFirst ? 0 : condition.proofs + 1;
    void learnFitness(node, condition);
    const held = nodes.owners().find((owner) => owner.node === node);
    const probeKey = held && probeKeyOf(held.firstSlot);
    if (probeKey === undefined) return;
    const reply = await node.lookUps.send("MGET", [probeKey], timeoutMs);
    const hasMoved = !reply.ok && reply.error.cause === "moved";
    condition.fault = reply.ok || hasMoved ? undefined : reply.error;
  }

  async function learnFitness(node: ClusterNode, condition: Condition): Promise<void> {
    if (!options.requireNoEviction || condition.proofs % PROOFS_PER_FITNESS !== 0) return;
    const before = condition.fitness;
    const reply = await node.lookUps.send("INFO", ["memory"], OPERATION_TIMEOUT_MS);
    if (!reply.ok && reply.error.cause !== "auth") return; // not a word about memory; asked again soon
    const fitness = fitnessOf(reply.ok ? reply.value : undefined);
    condition.fitness = fitness;
    if (fitness.state === before.state) return;
    if (fitness.state === "unfit") log.warn("store_unfit", { why: fitness.why, node: node.name });
    if (fitness.state === "not told") log.warn("store_eviction_policy_not_told", { store: node.name });
  }

  function probeKeyOf(slot: number): string | undefined {
    if (!probeKeys.has(slot)) probeKeys.set(slot, probeKeyIn(slot, keyPrefix));
    return probeKeys.get(slot);
  }

  function shardOf(key: string): string | undefined {
    const slot = slotOf(key);
    const owner = nodes.ownerOf(slot);
    // By itself, so that a node that takes it and dies leaves the others of its old node alone.
    const destination = nodes.destinationOf(slot);
    if (owner === undefined || destination === undefined || destination === owner) return owner?.name;
    return `${owner.name}>${destination.name}`;
  }

  function health(): StoreHealth {
    const owners = nodes.owners().map(({ node }) => node);
    const out = owners.flatMap((node) => {
      const why = node.lookUps.fault() ?? conditions.get(node)?.fault;
      return why === undefined ? [] : [`${node.name} ${why.cause}: ${why.detail}`];
    });
    const isWhole = owners.length > 0 && isCovered(nodes);
    if (!isWhole) out.push(owners.length === 0 ? "no node tells who holds the slots" : "some slots are held by nobody");
    const unfit = owners.map((node) => conditions.get(node)?.fitness).find((fitness) => fitness?.state === "unfit");
    return {
      reachable: out.length === 0,
      unfit: unfit?.state === "unfit" ? unfit.why : undefined,
      describe: `${describePlace(place)}, ${out.length === 0 ? `${owners.length} primaries answer` : out.join(", ")}`,
    };
  }

  const read = (keys: readonly string[], readTimeoutMs: number): Promise<Result<Values, StoreFault>> =>
    readCluster(routes, clock, keys, readTimeoutMs);

  return {
    ...createRedisEventLog({ keyPrefix, waiting, begin }),
    ...recordsOf({ keyPrefix, clock, log, begin, changes: CHANGES_APART, together }),
    type: "redis",
    shards: {
      shardOf,
      list: () =>
        nodes.owners().map(({ node, firstSlot }): Shard => ({ name: node.name, probeKey: probeKeyOf(firstSlot) })),
      read,
    },
    async start() {
      nodes.start();
    },
    async stop() {
      await Promise.all([nodes.stop(), waiting.stop()]);
    },
    health,
    read,
  };
}

function isCovered(nodes: Pick<ReturnType<typeof createClusterNodes>, "ownerOf">): boolean {
  for (let slot = 0; slot < SLOT_COUNT; slot += 1) if (nodes.ownerOf(slot) === undefined) return false;
  return true;
}
