// Hears from Redis of every write to a marker's key, whoever wrote it: tracking in broadcast mode, redirected to a second
// connection, for ioredis drops what RESP3 pushes. Both are proved together; when either is in doubt both end.

import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../core/clock.ts";
import type { PushListener } from "../replica/source.ts";
import { connect, type Connection, type Reply } from "./connection.ts";
import { fault } from "./fault.ts";
import { MARKER_PREFIXES, targetOfKey } from "./marker-keys.ts";
import type { Locator } from "./locator.ts";
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

/** Between one session's end and the next: doubled up to the last, jittered down to half. */
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
}

export function startPush({ locator, clock, keyPrefix, listener }: PushOptions): Push {
  let session: Session | undefined;
  let pause: NodeJS.Timeout | undefined;
  let failures = 0;
  let isStopped = false;
  const connection = { clock, silenceMs: SILENCE_MS, maxUnanswered: MAX_UNANSWERED };

  const endWatch = locator.watch(({ at }) => {
    // Another server is the primary now: what this one pushes is no longer all.
    if (session !== undefined && !isDeepStrictEqual(session.address.at, at)) end(session);
  });

  async function begin(): Promise<void> {
    pause = undefined;
    const located = await locator.locate(ANSWER_TIMEOUT_MS);
    if (isStopped) return;
    if (!located.ok) return beginLater();
    const address = located.value;
    const mine: Session = {
      address,
      target: connect(
        { ...connection, address, name: "portcullis-push-target", onMessage: (payload) => hear(mine, payload) },
        () => void openOwner(mine),
        () => end(mine),
      ),
      owner: undefined,
      targetId: undefined,
      isOpen: false,
    };
    session = mine;
  }

  async function openOwner(mine: Session): Promise<void> {
    const id = await mine.target.send("CLIENT", ["ID"], ANSWER_TIMEOUT_MS);
    const subscribed = await mine.target.send("subscribe", [CHANNEL], ANSWER_TIMEOUT_MS);
    if (session !== mine) return;
    if (!id.ok || typeof id.value !== "number" || !subscribed.ok) return end(mine);
    mine.targetId = id.value;
    const name = "portcullis-push-owner";
    mine.owner = connect(
      { ...connection, address: mine.address, name },
      () => void track(mine),
      () => end(mine),
    );
  }

  async function track(mine: Session): Promise<void> {
    const prefixes = MARKER_PREFIXES.flatMap((prefix) => ["PREFIX", keyPrefix + prefix]);
    const args = ["TRACKING", "ON", "REDIRECT", mine.targetId ?? 0, "BCAST", ...prefixes];
    const tracked = await mine.owner?.send("CLIENT", args, ANSWER_TIMEOUT_MS);
    if (session !== mine) return;
    if (tracked?.ok !== true) return end(mine);
    failures = 0;
    mine.isOpen = true;
    listener.opened();
  }

  function hear(mine: Session, payload: unknown): void {
    if (session !== mine || !mine.isOpen) return; // what was written before is read by who hears that it opened
    if (!Array.isArray(payload)) return listener.everythingChanged();
    const keys = payload.map(String).filter((key) => targetOfKey(keyPrefix, key) !== undefined);
    if (keys.length > 0) listener.changed(keys);
  }

  function end(mine: Session): void {
    if (session !== mine) return;
    session = undefined;
    void mine.target.end(DOUBT);
    void mine.owner?.end(DOUBT);
    if (mine.isOpen) listener.closed();
    if (!isStopped) beginLater();
  }

  function beginLater(): void {
    const pauseMs = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
    failures = Math.min(failures + 1, 10);
    pause = setTimeout(() => void begin(), pauseMs * (0.5 + Math.random() / 2));
  }

  void begin();
  return {
    async prove() {
      const mine = session;
      if (mine?.isOpen !== true || mine.owner === undefined) return false;
      const askedAtMs = clock.now().monotonicMs;
      // The target alone would answer for ever: when its owner dies, what it is told simply stops.
      const [told, heard] = await Promise.all([
        mine.owner.send("CLIENT", ["TRACKINGINFO"], ANSWER_TIMEOUT_MS),
        mine.target.send("ping", [], ANSWER_TIMEOUT_MS),
        mine.owner.proveRole(ANSWER_TIMEOUT_MS),
      ]);
      if (session !== mine) return false;
      const isProved = heard.ok && redirectsTo(told, mine.targetId) && mine.owner.provedAtMs >= askedAtMs;
      if (!isProved) end(mine);
      return isProved;
    },
    async stop() {
      isStopped = true;
      endWatch();
      clearTimeout(pause);
      const last = session;
      if (last === undefined) return;
      end(last);
      await Promise.all([last.target.end(DOUBT), last.owner?.end(DOUBT)]);
    },
  };
}

/** Judges what CLIENT TRACKINGINFO told: names and values by turns. */
function redirectsTo(reply: Reply, targetId: number | undefined): boolean {
  if (!reply.ok || !Array.isArray(reply.value)) return false;
  const told = reply.value as readonly unknown[];
  const flags = told[told.indexOf("flags") + 1];
  if (!Array.isArray(flags) || !flags.includes("bcast") || flags.includes("broken_redirect")) return false;
  return told[told.indexOf("redirect") + 1] === targetId;
}
