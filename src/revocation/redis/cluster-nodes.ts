// Knows which node of a Cluster holds which slot, and keeps connections to all that hold some. It believes the youngest
// view, and learns from redirections at once; where a key is asked for is others' to decide.

import type { Clock } from "../../core/clock.ts";
import { err, ok } from "../../core/result.ts";
import { nameOfPlace, readView, type ClusterView, type NodePlace } from "./cluster-view.ts";
import { fault } from "./fault.ts";
import { createLink, type Link } from "./link.ts";
import { fixedLocator, type Locator } from "./locator.ts";
import { SLOT_COUNT } from "./slots.ts";
import type { RedisAddress } from "./url.ts";

export interface ClusterNode {
  readonly name: string;
  readonly address: RedisAddress;
  /** For look-ups alone, so that no write stands before one. */
  readonly lookUps: Link;
  readonly operations: Link;
  /** For who waits for replicas, and so holds up whoever comes after. Started when it is first needed. */
  readonly durable: Link;
}

export interface ClusterNodesOptions {
  readonly seeds: readonly RedisAddress[];
  readonly clock: Clock;
  /** Links that are not started, of which the first proves itself to `proved`. */
  readonly linksTo: (
    locator: Locator,
    proved: (isFirst: boolean) => void,
  ) => Pick<ClusterNode, "lookUps" | "operations" | "durable">;
  /** With each proof of a node's role. */
  readonly onProve: (node: ClusterNode, isFirst: boolean) => void;
}

export interface ClusterNodes {
  start(): void;
  stop(): Promise<void>;
  /** Who holds the slot, as far as is known here. */
  ownerOf(slot: number): ClusterNode | undefined;
  /** Those that hold slots, in the order of their first; with each the first slot. */
  owners(): readonly { readonly node: ClusterNode; readonly firstSlot: number }[];
  /** The node named by a redirection that `from` gave. */
  nodeAt(from: ClusterNode, host: string, port: number): ClusterNode;
  moved(slot: number, to: ClusterNode): void;
  /** Some of the slot's keys are at `to` already. */
  onItsWay(slot: number, to: ClusterNode): void;
  /** Where the slot is on its way to, if it is; forgotten unless heard again. */
  destinationOf(slot: number): ClusterNode | undefined;
  /** Resolves once a view is known, or after `timeoutMs`. */
  whenKnown(timeoutMs: number): Promise<void>;
  /** Finds whoever holds `slot`. */
  locatorOf(slot: number): Locator;
}

const LOOK_EVERY_MS = 250;

/** A view is renewed this often, and with every look while a node is missing. */
const VIEW_GOOD_FOR_MS = 1_000;

/** A younger view that was never confirmed again (a Cluster made anew) does not stand in the way for longer. */
const BELIEVED_FOR_MS = 5_000;

/** A slot is held to be on its way for so long after it was heard. */
const ON_ITS_WAY_MS = 5_000;

const ANSWER_TIMEOUT_MS = 1_000;
const SILENCE_MS = 1_500;
const MAX_UNANSWERED = 64;

interface Source {
  readonly place: NodePlace;
  readonly link: Link;
}

export function createClusterNodes(options: ClusterNodesOptions): ClusterNodes {
  return new LinkedNodes(options);
}

class LinkedNodes implements ClusterNodes {
  readonly #options: ClusterNodesOptions;
  /** Any role: a seed may be a replica by now, and still knows the others. */
  readonly #seeds: readonly Source[];
  readonly #nodes = new Map<string, ClusterNode>();
  readonly #slots: (ClusterNode | undefined)[] = Array.from({ length: SLOT_COUNT });
  readonly #onTheirWay = new Map<number, { readonly to: ClusterNode; readonly untilMs: number }>();
  readonly #watchers = new Set<() => void>();
  #owners: readonly { readonly node: ClusterNode; readonly firstSlot: number }[] = [];
  #epoch = -1;
  #believedAtMs = -Infinity;
  #askedAtMs = -Infinity;
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ClusterNodesOptions) {
    this.#options = options;
    const { clock } = options;
    this.#seeds = options.seeds.map((address) => ({
      place: placeOf(address),
      link: createLink({
        locator: fixedLocator(address),
        role: "any",
        clock,
        name: "portcullis-cluster",
        silenceMs: SILENCE_MS,
        maxUnanswered: MAX_UNANSWERED,
        onProve: (isFirst) => {
          if (isFirst && this.#epoch === -1) this.#ask();
        },
      }),
    }));
  }

  start(): void {
    for (const { link } of this.#seeds) link.start();
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const nodes = [...this.#nodes.values()];
    await Promise.all([...this.#seeds.map(({ link }) => link.stop()), ...nodes.map(stopNode)]);
  }

  ownerOf(slot: number): ClusterNode | undefined {
    return this.#slots[slot];
  }

  owners(): readonly { readonly node: ClusterNode; readonly firstSlot: number }[] {
    return this.#owners;
  }

  nodeAt(from: ClusterNode, host: string, port: number): ClusterNode {
    return this.#node({ host: host === "" ? placeOf(from.address).host : host, port });
  }

  moved(slot: number, to: ClusterNode): void {
    if (this.#slots[slot] === to) return;
    this.#slots[slot] = to;
    this.#told();
    this.#askedAtMs = -Infinity; // there is more to learn
  }

  onItsWay(slot: number, to: ClusterNode): void {
    this.#onTheirWay.set(slot, { to, untilMs: this.#nowMs() + ON_ITS_WAY_MS });
  }

  destinationOf(slot: number): ClusterNode | undefined {
    const found = this.#onTheirWay.get(slot);
    if (found === undefined || found.untilMs > this.#nowMs()) return found?.to;
    this.#onTheirWay.delete(slot);
    return undefined;
  }

  whenKnown(timeoutMs: number): Promise<void> {
    if (this.#epoch >= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const tell = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(tell);
        resolve();
      };
      const timer = setTimeout(tell, Math.max(0, timeoutMs));
      this.#watchers.add(tell);
    });
  }

  locatorOf(slot: number): Locator {
    return {
      start() {},
      locate: () => {
        const owner = this.ownerOf(slot);
        return Promise.resolve(
          owner === undefined ? err(fault("cluster_down", "nobody is known to hold the slot")) : ok(owner.address),
        );
      },
      watch: (moved) => {
        const tell = (): void => {
          const owner = this.ownerOf(slot);
          if (owner !== undefined) moved(owner.address);
        };
        this.#watchers.add(tell);
        return () => this.#watchers.delete(tell);
      },
      stop: () => Promise.resolve(),
    };
  }

  #look(): void {
    const isWhole = this.#slots.every((node) => node !== undefined && node.lookUps.fault() === undefined);
    if (isWhole && this.#nowMs() - this.#askedAtMs < VIEW_GOOD_FOR_MS) return;
    this.#ask();
  }

  /** One after the other where all is well; everyone where it isn't, for one of them may know more. */
  #ask(): void {
    this.#askedAtMs = this.#nowMs();
    const sources = [
      ...this.#seeds,
      ...this.#owners.map(({ node }) => ({ place: placeOf(node.address), link: node.lookUps })),
    ];
    const open = sources.filter(({ link }) => link.fault() === undefined);
    const isWhole = open.length === sources.length && this.#epoch >= 0;
    this.#turn += 1;
    const asked = isWhole ? open.slice(this.#turn % open.length, (this.#turn % open.length) + 1) : open;
    for (const source of asked) void this.#learnFrom(source);
  }

  async #learnFrom({ place, link }: Source): Promise<void> {
    const [slots, info] = await Promise.all([
      link.send("CLUSTER", ["SLOTS"], ANSWER_TIMEOUT_MS),
      link.send("CLUSTER", ["INFO"], ANSWER_TIMEOUT_MS),
    ]);
    if (!slots.ok || !info.ok) return;
    const view = readView(place, slots.value, info.value);
    if (view !== undefined) this.#believe(view);
  }

  #believe({ epoch, owners }: ClusterView): void {
    const nowMs = this.#nowMs();
    if (epoch < this.#epoch && nowMs - this.#believedAtMs < BELIEVED_FOR_MS) return;
    this.#epoch = epoch;
    this.#believedAtMs = nowMs;
    for (let slot = 0; slot < SLOT_COUNT; slot += 1) {
      const place = owners[slot];
      this.#slots[slot] = place === undefined ? undefined : this.#node(place);
    }
    this.#told();
    const held = new Set<ClusterNode | undefined>(this.#slots);
    for (const [slot] of this.#onTheirWay) held.add(this.destinationOf(slot));
    for (const node of this.#nodes.values()) {
      if (held.has(node)) continue;
      this.#nodes.delete(node.name);
      void stopNode(node);
    }
  }

  #told(): void {
    const firstSlots = new Map<ClusterNode, number>();
    for (let slot = 0; slot < SLOT_COUNT; slot += 1) {
      const node = this.#slots[slot];
      if (node !== undefined && !firstSlots.has(node)) firstSlots.set(node, slot);
    }
    this.#owners = [...firstSlots].map(([node, firstSlot]) => ({ node, firstSlot }));
    for (const tell of this.#watchers) tell();
  }

  #node(place: NodePlace): ClusterNode {
    const name = nameOfPlace(place);
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    const { seeds, linksTo, onProve } = this.#options;
    const [like] = seeds;
    if (like === undefined) throw new RangeError("a Cluster needs a seed");
    const isTls = like.at.kind === "tcp" && like.at.tls;
    const address: RedisAddress = { ...like, at: { kind: "tcp", ...place, tls: isTls } };
    const links = linksTo(fixedLocator(address), (isFirst) => onProve(node, isFirst));
    const node: ClusterNode = { name, address, ...links };
    this.#nodes.set(name, node);
    node.lookUps.start();
    node.operations.start();
    return node;
  }

  #nowMs(): number {
    return this.#options.clock.now().monotonicMs;
  }
}

async function stopNode({ lookUps, operations, durable }: ClusterNode): Promise<void> {
  await Promise.all([lookUps.stop(), operations.stop(), durable.stop()]);
}

function placeOf({ at }: RedisAddress): NodePlace {
  return at.kind === "tcp" ? at : { host: "", port: 0 };
}
