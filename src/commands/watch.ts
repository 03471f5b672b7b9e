// `portcullis watch`: prints what is revoked and lifted as it happens, and goes on where it was after a lost connection,
// until somebody ends it. It changes nothing.

import { setTimeout as delay } from "node:timers/promises";
import { controlAccess, explain, report, usage, whyNoAnswer, type ControlFlags } from "./control-client.ts";
import { follow, type FollowEnd } from "./follow.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { printable, when } from "./printable.ts";
import { targetLine, type RevocationAnswer } from "./revocation-line.ts";
import type { SentEvent } from "./sse.ts";

export interface WatchFlags extends ControlFlags {
  /** Begin after this seq, as written on the command line. */
  readonly after?: string;
}

/** As the control API sends it. */
interface RevocationEvent extends Partial<RevocationAnswer> {
  readonly type: string;
  readonly reason?: string;
  /** Of a RESET: why events were missed. */
  readonly why?: string;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

export async function watch(flags: WatchFlags, io: CommandIo): Promise<number> {
  if (flags.after !== undefined && !/^\d{1,15}$/.test(flags.after)) {
    return report(usage("--after is a seq, a whole number").error, io);
  }
  const access = await controlAccess(flags, io);
  if (!access.ok) return report(access.error, io);
  const { base, token } = access.value;
  const url = new URL("v1/events", base);
  if (flags.after !== undefined) url.searchParams.set("after", flags.after);
  const stop = new AbortController();
  io.signals.onInterrupt(() => stop.abort());

  const headers = { authorization: `Bearer ${token}` };
  const fault = await followUntil(stop.signal, url, headers, teller(url.origin, io), (event) =>
    print(event, flags, io),
  );
  return fault === undefined ? EXIT.done : report({ exitCode: EXIT.failed, message: fault }, io);
}

/** Connects again and again, until `signal` (undefined) or until somebody says no (what he says). */
async function followUntil(
  signal: AbortSignal,
  url: URL,
  headers: Readonly<Record<string, string>>,
  tell: Teller,
  onEvent: (event: SentEvent) => void,
): Promise<string | undefined> {
  let lastEventId = "";
  for (;;) {
    const end = await follow({ url, headers, lastEventId, signal, onOpen: tell.opened, onEvent });
    if (signal.aborted) return undefined;
    if (!mayComeBack(end) || !tell.hasBeenOpen()) return faultOf(end, url);
    if (end.kind === "lost") lastEventId = end.lastEventId;
    await delay(tell.lost(end), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return undefined;
  }
}

/** A control plane that is away, starting, or too busy; not one that says no. */
function mayComeBack(end: FollowEnd): boolean {
  return end.kind === "lost" || end.answer.status === 429 || end.answer.status >= 500;
}

function faultOf(end: FollowEnd, url: URL): string {
  return end.kind === "refused" ? explain(end.answer) : whyNoAnswer({ code: end.why }, url);
}

interface Teller {
  readonly opened: () => void;
  hasBeenOpen(): boolean;
  /** How long to wait before the next try. */
  lost(end: FollowEnd): number;
}

/** Says on standard error when the connection is lost and when it is back, each once. */
function teller(origin: string, io: CommandIo): Teller {
  let state: "new" | "open" | "away" = "new";
  let lostAtMs = 0;
  let pauseMs = FIRST_PAUSE_MS;
  return {
    opened() {
      if (state === "new") io.err(`watching ${origin}; Ctrl-C ends\n`);
      else io.err(`connected again after ${Math.ceil((performance.now() - lostAtMs) / 1_000)} s\n`);
      state = "open";
      pauseMs = FIRST_PAUSE_MS;
    },
    hasBeenOpen: () => state !== "new",
    lost(end) {
      const why = end.kind === "lost" ? end.why : `answered ${end.answer.status}`;
      if (state === "open") {
        lostAtMs = performance.now();
        io.err(`connection lost (${printable(why)}); trying again\n`);
      }
      state = "away";
      const askedMs = end.kind === "lost" ? (end.retryMs ?? 0) : 0;
      const waitMs = Math.min(LONGEST_PAUSE_MS, Math.max(askedMs, pauseMs * (0.5 + Math.random() / 2)));
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
      return waitMs;
    },
  };
}

function print({ data }: SentEvent, flags: WatchFlags, io: CommandIo): void {
  const event = parse(data);
  if (event === undefined) return io.err("an event that is no JSON was left out\n");
  if (event.type === "RESET")
    io.err(`events were missed (${printable(event.why ?? "unknown")}): \`portcullis list\` has what stands\n`);
  if (flags.json === true) io.out(`${JSON.stringify(event)}\n`);
  else if (event.type !== "RESET") io.out(`${lineOf(event)}\n`);
}

function parse(data: string): RevocationEvent | undefined {
  try {
    const value = JSON.parse(data) as RevocationEvent | null;
    return typeof value?.type === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function lineOf({ type, id, at, target, issued_before: issuedBefore, reason }: RevocationEvent): string {
  const cells = [
    at === undefined ? "-" : when(at),
    printable(type),
    target === undefined ? "-" : targetLine({ target }),
    ...(issuedBefore === undefined ? [] : [`issued before ${when(issuedBefore * 1_000)}`]),
    printable(id ?? "-"),
    printable(reason ?? "-"),
  ];
  return cells.join("  ");
}
