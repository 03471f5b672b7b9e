// Hears from Redis of every write to a marker's key, whoever wrote it: tracking in broadcast mode, redirected to a second
// connection, for ioredis drops what RESP3 pushes. Both are proved together; when either is in doubt both end.

import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../core/clock.ts";
import type { PushListener } from "../replica/source.ts";
import type { StoreFault } from "../store.ts";
import { connect, type Connection, type Reply } from "./connection.ts";
import { fault, ofCommand } from "./fault.ts";
import { MARKER_PREFIXES } from "../marker-keys.ts";
import type { Locator } from "./locator.ts";
import { PushedKeys } from "./pushed-keys.ts";
import type { RedisAddress } from "./url.ts";

export interface PushOptions {
  /** Of the primary. */
  readonly locator: Locator;
  readonly clock: Clock;
  readonly keyPrefix: string;
  readonly listener: PushListener;
}

export interface Push {
  prove(): Promise<boolean>;
  stop(): Promise<void>;
}

const CHANNEL = "__redis__:invalidate";
const ANSWER_TIMEOUT_MS = 1_000;
const SILENCE_MS = 1_500;
const MAX_UNANSWERED = 64;

/** Between one session's end and the next: anything up to this, which is doubled up to the last. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5_000;

const DOUBT = fault("connection_lost", "the push was not proved");

interface Session {
  /** Of both connections. */
  readonly address: RedisAddress;
  readonly target: Connection;
  owner: Connection | undefined;
  /** The target's, to which the owner redirects; undefined until it is told. */
  targetId: number | undefined;
  isOpen: boolean;
  readonly heard: PushedKeys;
}

export function startPush({ locator, clock, keyPrefix, listener }: PushOptions): Push {
  let session: Session | undefined;
  let pause: NodeJS.Timeout | undefined;
  let failures = 0;
  let isStopped = false;
  const connection = { clock, silenceMs: SILENCE_MS, maxUnanswered: MAX_UNANSWERED };

  const endWatch = locator.watch(({ at }) => {
    // Another server is the primary now: what this one pushes is no longer all.
    if (session !== undefined && !isDeepStrictEqual(session.address.at, at))
      end(session, fault("not_primary", "another server is the primary now"));
  });

  async function begin(): Promise<void> {
    pause = undefined;
    const located = await locator.locate(ANSWER_TIMEOUT_MS);
    if (isStopped) return;
    if (!located.ok) {
      listener.failed(located.error);
      return beginLater();
    }
    const address = located.value;
    const mine: Session = {
      address,
      target: connect(
        { ...connection, address, name: "portcullis-push-target", onMessage: (payload) => hear(mine, payload) },
        () => void openOwner(mine),
        (why) => end(mine, why),
      ),
      owner: undefined,
      targetId: undefined,
      isOpen: false,
      heard: new PushedKeys(keyPrefix, (keys) => listener.changed(keys)),
    };
    session = mine;
  }

  async function openOwner(mine: Session): Promise<void> {
    const id = await mine.target.send("CLIENT", ["ID"], ANSWER_TIMEOUT_MS);
    const subscribed = await mine.target.send("subscribe", [CHANNEL], ANSWER_TIMEOUT_MS);
    if (session !== mine) return;
    if (!subscribed.ok) return end(mine, ofCommand("SUBSCRIBE", subscribed.error));
    if (!id.ok) return end(mine, ofCommand("CLIENT ID", id.error));
    mine.targetId = Number(id.value);
    const name = "portcullis-push-owner";
    mine.owner = connect(
      { ...connection, address: mine.address, name },
      () => void track(mine),
      (why) => end(mine, why),
    );
  }

  async function track(mine: Session): Promise<void> {
    const prefixes = MARKER_PREFIXES.flatMap((prefix) => ["PREFIX", keyPrefix + prefix]);
    const args = ["TRACKING", "ON", "REDIRECT", mine.targetId ?? 0, "BCAST", ...prefixes];
    const tracked = await mine.owner?.send("CLIENT", args, ANSWER_TIMEOUT_MS);
    if (session !== mine) return;
    if (tracked?.ok !== true) return end(mine, ofCommand("CLIENT TRACKING", tracked?.error ?? DOUBT));
    failures = 0;
    mine.isOpen = true;
    listener.opened();
  }

  function hear(mine: Session, payload: unknown): void {
    if (session !== mine || !mine.isOpen) return; // what was written before is read by who hears that it opened
    if (!Array.isArray(payload)) return listener.everythingChanged();
    mine.heard.add(payload);
  }

  function end(mine: Session, why: StoreFault): void {
    if (session !== mine) return;
    session = undefined;
    mine.heard.end();
    void mine.target.end(why);
    void mine.owner?.end(why);
    if (mine.isOpen) listener.closed();
    if (isStopped) return;
    listener.failed(why);
    beginLater();
  }

  function beginLater(): void {
    const pauseMs = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
    failures = Math.min(failures + 1, 10);
    pause = setTimeout(() => void begin(), FIRST_PAUSE_MS / 2 + pauseMs * Math.random());
  }

  void begin();
  return {
    async prove() {
      const mine = session;
      if (mine?.isOpen !== true || mine.owner === undefined) return false;
      const doubt = await doubtOf(mine.owner, mine.target, mine.targetId, clock);
      if (session !== mine) return false;
      if (doubt !== undefined) end(mine, doubt);
      await mine.heard.told;
      return session === mine;
    },
    async stop() {
      isStopped = true;
      endWatch();
      clearTimeout(pause);
      const last = session;
      if (last === undefined) return;
      end(last, DOUBT);
      await Promise.all([last.target.end(DOUBT), last.owner?.end(DOUBT)]);
    },
  };
}

/** What is wrong with a push; undefined: whatever was written before this call has been heard. */
async function doubtOf(
  owner: Connection,
  target: Connection,
  targetId: number | undefined,
  clock: Clock,
): Promise<StoreFault | undefined> {
  const askedAtMs = clock.now().monotonicMs;
  // The target alone would answer for ever: when its owner dies, what it is told simply stops.
  const [told, heard] = await Promise.all([
    owner.send("CLIENT", ["TRACKINGINFO"], ANSWER_TIMEOUT_MS),
    target.send("ping", [], ANSWER_TIMEOUT_MS),
    owner.proveRole(ANSWER_TIMEOUT_MS),
  ]);
  if (!told.ok) return ofCommand("CLIENT TRACKINGINFO", told.error);
  return heard.ok && redirectsTo(told, targetId) && owner.provedAtMs >= askedAtMs ? undefined : DOUBT;
}

/** Judges what CLIENT TRACKINGINFO told: names and values by turns. */
function redirectsTo(reply: Reply, targetId: number | undefined): boolean {
  if (!reply.ok || !Array.isArray(reply.value)) return false;
  const told = reply.value as readonly unknown[];
  const flags = told[told.indexOf("flags") + 1];
  if (!Array.isArray(flags) || !flags.includes("bcast") || flags.includes("broken_redirect")) return false;
  return told[told.indexOf("redirect") + 1] === targetId;
}
