// Keeps one connection to the primary: makes it again whenever it ends or another is the primary, and proves the role
// of what answers. It never keeps a command for a later connection.

import type { StoreFault } from "../store.ts";
import { backOffMs } from "../../core/back-off.ts";
import { err } from "../../core/result.ts";
import { connect, type Connection, type ConnectionOptions, type Reply } from "./connection.ts";
import { fault } from "./fault.ts";
import type { Locator } from "./locator.ts";
import type { RedisAddress } from "./url.ts";

export interface LinkOptions extends Omit<ConnectionOptions, "address"> {
  /** Started and stopped by whoever made it. */
  readonly locator: Locator;
  /** Called with each proof of the role, the first of a connection included. */
  readonly onProve: (isFirst: boolean) => void;
}

export interface Link {
  start(): void;
  /** Writes one command now, or fails with why there is no primary to ask. Settles within `timeoutMs`. */
  send(command: string, args: readonly (string | number)[], timeoutMs: number): Promise<Reply>;
  /** Why nothing can be sent; undefined when it can. */
  fault(): StoreFault | undefined;
  /** Resolves when something can be sent, the link is stopped, or `timeoutMs` has passed. */
  whenOpen(timeoutMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** Asked this often, a proof is renewed thrice before it ends even if one question is lost. */
const PROVE_EVERY_MS = 500;

/** Answers come from a primary only: its proof is good for at most this long. */
const PROOF_GOOD_FOR_MS = 2_000;

/** Back-off between connections: doubled from the first to the last, and jittered down to half. */
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 500;

/** To be told where the primary is: Sentinels are asked anew, and may be away themselves. */
const LOCATE_TIMEOUT_MS = 1_000;

const STOPPED = fault("stopped", "the store was stopped");

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "locating" }
  | { readonly kind: "connecting"; readonly connection: Connection }
  | { readonly kind: "open"; readonly connection: Connection; readonly prover: NodeJS.Timeout }
  | { readonly kind: "pausing"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "stopped" };

export function createLink(options: LinkOptions): Link {
  const { clock, locator } = options;
  let state: State = { kind: "idle" };
  let lastEnd: StoreFault = fault("disconnected", "not connected yet");
  let failures = 0;
  const waiting = new Set<() => void>();

  const endWatch = locator.watch((address) => {
    if (state.kind !== "connecting" && state.kind !== "open") return;
    if (isSamePlace(state.connection.address, address)) return;
    void state.connection.end(fault("not_primary", "another server is the primary now"));
  });

  async function open(): Promise<void> {
    const locating: State = { kind: "locating" };
    state = locating;
    const located = await locator.locate(LOCATE_TIMEOUT_MS);
    if (state !== locating) return;
    if (!located.ok) return pause(located.error);
    const connection = connect({ ...options, address: located.value }, opened, (why) => ended(connection, why));
    state = { kind: "connecting", connection };
  }

  function opened(connection: Connection): void {
    if (state.kind !== "connecting" || state.connection !== connection) return;
    failures = 0;
    state = { kind: "open", connection, prover: setInterval(() => void prove(connection), PROVE_EVERY_MS) };
    wake();
    options.onProve(true);
  }

  function wake(): void {
    for (const wakeOne of waiting) wakeOne();
  }

  async function prove(connection: Connection): Promise<void> {
    const before = connection.provedAtMs;
    await connection.proveRole(PROOF_GOOD_FOR_MS);
    if (connection.provedAtMs > before && isOpen(connection)) options.onProve(false);
  }

  function isOpen(connection: Connection): boolean {
    return state.kind === "open" && state.connection === connection;
  }

  function ended(connection: Connection, why: StoreFault): void {
    if (state.kind !== "connecting" && state.kind !== "open") return;
    if (state.connection !== connection) return;
    if (state.kind === "open") clearInterval(state.prover);
    pause(why);
  }

  function pause(why: StoreFault): void {
    lastEnd = why;
    failures += 1;
    state = {
      kind: "pausing",
      timer: setTimeout(() => void open(), backOffMs(failures, FIRST_PAUSE_MS, LAST_PAUSE_MS)),
    };
  }

  function usable(): Connection | StoreFault {
    if (state.kind === "stopped") return STOPPED;
    if (state.kind !== "open") return lastEnd;
    const { connection } = state;
    if (clock.now().monotonicMs - connection.provedAtMs <= PROOF_GOOD_FOR_MS) return connection;
    return fault("timeout", "the role was not proved in time");
  }

  return {
    start() {
      if (state.kind === "idle") void open();
    },
    send(command, args, timeoutMs) {
      const connection = usable();
      return "cause" in connection ? Promise.resolve(err(connection)) : connection.send(command, args, timeoutMs);
    },
    fault() {
      const connection = usable();
      return "cause" in connection ? connection : undefined;
    },
    whenOpen(timeoutMs) {
      if (usable() !== lastEnd) return Promise.resolve();
      return new Promise((resolve) => {
        const wakeOne = (): void => {
          clearTimeout(timer);
          waiting.delete(wakeOne);
          resolve();
        };
        const timer = setTimeout(wakeOne, timeoutMs);
        waiting.add(wakeOne);
      });
    },
    async stop() {
      const last = state;
      state = { kind: "stopped" };
      wake();
      endWatch();
      if (last.kind === "pausing") clearTimeout(last.timer);
      if (last.kind === "open") clearInterval(last.prover);
      if (last.kind === "connecting" || last.kind === "open") await last.connection.end(STOPPED);
    },
  };
}

function isSamePlace(a: RedisAddress, b: RedisAddress): boolean {
  if (a.at.kind === "socket" || b.at.kind === "socket") return a === b;
  return a.at.host === b.at.host && a.at.port === b.at.port;
}
