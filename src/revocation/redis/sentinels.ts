// Knows from the Sentinels where the primary is: asks all of them once a second and whenever somebody wants to connect,
// and believes the highest configuration epoch. It never follows one that was cut off from the others.

import type { Clock } from "../../core/clock.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { StoreFault } from "../store.ts";
import { fault } from "./fault.ts";
import { createLink, type Link } from "./link.ts";
import { fixedLocator, type Locator } from "./locator.ts";
import type { SentinelPlace } from "./place.ts";
import type { RedisAddress } from "./url.ts";

/** A failover that nobody noticed otherwise (the old primary still answers) is noticed within this. */
const ASK_EVERY_MS = 1_000;

/** A Sentinel that was never reached, or just went away, is waited for so long. */
const SENTINEL_GRACE_MS = 250;

const SILENCE_MS = 1_000;
const MAX_UNANSWERED = 64;

interface Word {
  readonly address: RedisAddress;
  /** Grows with each failover. */
  readonly epoch: number;
}

export function createSentinelLocator(place: SentinelPlace, clock: Clock): Locator {
  const { sentinels, primaryName, primary } = place;
  const links: readonly Link[] = sentinels.map((address) =>
    createLink({
      locator: fixedLocator(address),
      role: "sentinel",
      clock,
      name: "portcullis-sentinel",
      silenceMs: SILENCE_MS,
      maxUnanswered: MAX_UNANSWERED,
      onProve() {},
    }),
  );
  const watchers = new Set<(address: RedisAddress) => void>();
  let believed: Word | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function ask(link: Link, timeoutMs: number): Promise<Result<Word, StoreFault>> {
    await link.whenOpen(Math.min(SENTINEL_GRACE_MS, timeoutMs));
    // The address as soon as the failover is decided; the other answer tells which of two is the younger.
    const [named, told] = await Promise.all([
      link.send("SENTINEL", ["GET-MASTER-ADDR-BY-NAME", primaryName], timeoutMs),
      link.send("SENTINEL", ["MASTER", primaryName], timeoutMs),
    ]);
    if (!named.ok) return named;
    if (named.value === null) return err(fault("disconnected", "a Sentinel knows no primary of that name"));
    if (!told.ok) return told;
    const word = wordOf(primary, named.value, told.value);
    return word === undefined ? err(fault("protocol", "a Sentinel answered in an unknown shape")) : ok(word);
  }

  /** Resolves once a majority has answered, or everyone has or could not. */
  function askAll(timeoutMs: number): Promise<Result<RedisAddress, StoreFault>> {
    return new Promise((resolve) => {
      const words: Word[] = [];
      let lastFault = fault("disconnected", "no Sentinel answers");
      let left = links.length;
      const hear = (answer: Result<Word, StoreFault>): void => {
        left -= 1;
        if (answer.ok) words.push(answer.value);
        else lastFault = answer.error;
        const isMajority = words.length > links.length / 2;
        if (!isMajority && left > 0) return;
        const best = believe(words, isMajority);
        resolve(best === undefined ? err(lastFault) : ok(best.address));
      };
      for (const link of links) void ask(link, timeoutMs).then(hear);
    });
  }

  /** The youngest word; fewer than a majority may all be cut off, and turn nobody back to an older one. */
  function believe(words: readonly Word[], isMajority: boolean): Word | undefined {
    const youngest = words.toSorted((a, b) => b.epoch - a.epoch)[0];
    if (youngest === undefined) return undefined;
    if (!isMajority && believed !== undefined && youngest.epoch < believed.epoch) return believed;
    believed = youngest;
    for (const moved of watchers) moved(youngest.address);
    return youngest;
  }

  return {
    start() {
      for (const link of links) link.start();
      timer ??= setInterval(() => void askAll(ASK_EVERY_MS), ASK_EVERY_MS);
    },
    locate: askAll,
    watch(moved) {
      watchers.add(moved);
      return () => watchers.delete(moved);
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(links.map((link) => link.stop()));
    },
  };
}

/** SENTINEL MASTER answers names and values by turns. */
function wordOf(primary: RedisAddress, named: unknown, told: unknown): Word | undefined {
  if (!Array.isArray(named) || !Array.isArray(told)) return undefined;
  const [host, port] = named as readonly unknown[];
  const facts = told as readonly unknown[];
  const epoch = Number(facts[facts.indexOf("config-epoch") + 1]);
  if (typeof host !== "string" || typeof port !== "string" || !Number.isInteger(epoch)) return undefined;
  const isTls = primary.at.kind === "tcp" && primary.at.tls;
  return { address: { ...primary, at: { kind: "tcp", host, port: Number(port), tls: isTls } }, epoch };
}
