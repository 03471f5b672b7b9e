// What one node of a Cluster says of it: who holds which slots, and how recent that is. Pure.

import { SLOT_COUNT } from "./slots.ts";

export interface NodePlace {
  readonly host: string;
  readonly port: number;
}

export interface ClusterView {
  /** Grows with each failover and reshard; of two views the one with the higher is the younger. */
  readonly epoch: number;
  /** Primaries by slot; undefined where nobody holds it. */
  readonly owners: readonly (NodePlace | undefined)[];
}

/**
 * Reads the answers to CLUSTER SLOTS and CLUSTER INFO; `asked` is who gave them, for a node that doesn't know its own
 * address leaves it out. Undefined where they have another shape.
 */
export function readView(asked: NodePlace, slots: unknown, info: unknown): ClusterView | undefined {
  const epoch = typeof info === "string" ? /^cluster_current_epoch:(\d+)\r?$/m.exec(info)?.[1] : undefined;
  if (epoch === undefined || !Array.isArray(slots)) return undefined;
  const owners = Array.from<NodePlace | undefined>({ length: SLOT_COUNT });
  for (const range of slots as readonly unknown[]) {
    const [first, last, primary] = Array.isArray(range) ? (range as readonly unknown[]) : [];
    const place = placeOf(asked, primary);
    if (typeof first !== "number" || typeof last !== "number" || place === undefined) return undefined;
    owners.fill(place, first, last + 1);
  }
  return { epoch: Number(epoch), owners };
}

function placeOf(asked: NodePlace, node: unknown): NodePlace | undefined {
  const [host, port] = Array.isArray(node) ? (node as readonly unknown[]) : [];
  if (typeof port !== "number") return undefined;
  return { host: typeof host === "string" && host !== "" && host !== "?" ? host : asked.host, port };
}

export function nameOfPlace({ host, port }: NodePlace): string {
  return `${host}:${port}`;
}
