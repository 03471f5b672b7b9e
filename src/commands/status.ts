// `portcullis status`: one screen about a sidecar, from its ops address. Needs no token and changes nothing.

import type { StatusJson } from "../ops/status.ts";
import { httpUrl, report, whyNoAnswer } from "./control-client.ts";
import { exchange } from "./http-call.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { columns, printable } from "./printable.ts";

export interface StatusFlags {
  readonly ops?: string;
  readonly json?: boolean;
}

const DEFAULT_URL = "http://127.0.0.1:9002";

export async function status(flags: StatusFlags, io: CommandIo): Promise<number> {
  const base = httpUrl(flags.ops ?? io.env["PORTCULLIS_OPS_URL"] ?? DEFAULT_URL);
  if (!base.ok) return report({ exitCode: EXIT.usage, message: base.error }, io);
  const url = new URL("status", base.value);
  const answer = await exchange({ method: "GET", url, headers: { accept: "application/json" } });
  if (!answer.ok) return report({ exitCode: EXIT.failed, message: whyNoAnswer(answer.error, url) }, io);
  const facts = answer.value.status === 200 ? parse(answer.value.body) : undefined;
  if (facts === undefined) {
    return report(
      { exitCode: EXIT.failed, message: `${url.href} answered, and not as a sidecar does: is the address right?` },
      io,
    );
  }
  io.out(flags.json === true ? `${JSON.stringify(facts)}\n` : screen(facts));
  return EXIT.done;
}

function parse(body: string): StatusJson | undefined {
  try {
    const value = JSON.parse(body) as StatusJson | null;
    return typeof value?.store === "object" && Array.isArray(value.issuers) ? value : undefined;
  } catch {
    return undefined;
  }
}

function screen(facts: StatusJson): string {
  const { store, decisions_per_second: perSecond } = facts;
  return columns([
    ["portcullis", `${printable(facts.version)}, up ${age(facts.up_for_ms)}, ${facts.ready ? "ready" : "NOT READY"}`],
    ...(facts.mode === "observe" ? [["mode", observeState(facts.would_deny ?? {})]] : []),
    ["store", `${printable(`${store.type}, ${store.describe}`)}: ${storeState(store)}`],
    ...(facts.replica === null ? [] : [["replica", replicaState(facts.replica)]]),
    ["breaker", facts.breaker ?? "none"],
    ...facts.issuers.map(({ id, keys, keys_age_ms: ageMs }) => [
      `keys ${printable(id)}`,
      keys === 0 ? "NONE" : `${keys}${ageMs === null ? "" : `, read ${age(ageMs)} ago`}`,
    ]),
    ["decisions/s", `${perSecond.allow} allowed (${perSecond.fail_open} of them fail-open), ${perSecond.deny} denied`],
    ["in flight", String(facts.in_flight)],
  ]);
}

function observeState(wouldDeny: NonNullable<StatusJson["would_deny"]>): string {
  const reasons = Object.entries(wouldDeny).map(([reason, count]) => `${count} ${printable(reason)}`);
  return `OBSERVES: REFUSES NOTHING; would have refused ${reasons.length === 0 ? "none yet" : reasons.join(", ")}`;
}

function storeState(store: StatusJson["store"]): string {
  const { reachable, unfit, last_answer_age_ms: ageMs } = store;
  const answered = ageMs === null ? "never answered" : `answered ${age(ageMs)} ago`;
  const state = reachable ? `up, ${answered}` : `DOWN, ${answered}`;
  return unfit === null ? state : `${state}; UNFIT: ${printable(unfit)}`;
}

function replicaState({ entries, seq, lag_ms: lagMs, push, why }: NonNullable<StatusJson["replica"]>): string {
  const lag = lagMs === null ? "NOT IN STEP YET" : `current ${age(lagMs)} ago`;
  const state = `${entries} entries, seq ${seq}, ${lag}; other writers ${push ? "heard by push" : "found by scan"}`;
  // A sidecar of an older version does not say why.
  return typeof why === "string" ? `${state}; ${printable(why)}` : state;
}

function age(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}
