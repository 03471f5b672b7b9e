// `portcullis doctor`: reads an Envoy's /config_dump and says what in it makes the guard unsafe or slow. It changes
// nothing there, and needs no token.

import { DEADLINE, IDENTITY, LIMITS } from "../config/defaults.ts";
import type { Config } from "../config/config.ts";
import { readDuration } from "../config/units.ts";
import { err, ok, type Result } from "../core/result.ts";
import { diagnose, type Diagnosis } from "../doctor/diagnose.ts";
import { readEnvoyConfig, type EnvoyConfig } from "../doctor/envoy-config.ts";
import type { Finding, Severity } from "../doctor/finding.ts";
import { sidecarFacts, type SidecarFacts, type TokenNeeds } from "../doctor/sidecar-facts.ts";
import { httpUrl, report, whyNoAnswer } from "./control-client.ts";
import { ANSWER_TOO_LARGE, exchange } from "./http-call.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { printable } from "./printable.ts";
import { readConfig } from "./read-config.ts";

export interface DoctorFlags {
  readonly envoy: string;
  readonly config?: string;
  readonly json?: boolean;
}

/** The largest meshes have dumps of tens of megabytes. */
const MAX_DUMP_BYTES = 128 * 1024 * 1024;

/** 0: nothing unsafe. 1: something is, or nobody could look. */
export async function doctor(flags: DoctorFlags, io: CommandIo): Promise<number> {
  const url = httpUrl(flags.envoy);
  if (!url.ok) return report({ exitCode: EXIT.usage, message: url.error }, io);
  const facts = factsOf(flags.config, io);
  if (facts === undefined) return EXIT.usage;
  const config = await envoyConfigAt(url.value);
  if (!config.ok) return report({ exitCode: EXIT.failed, message: config.error }, io);
  const diagnosis = diagnose(config.value, facts);
  io.out(flags.json === true ? jsonOf(diagnosis) : textOf(diagnosis));
  return countOf(diagnosis, "unsafe") === 0 ? EXIT.done : EXIT.failed;
}

function factsOf(file: string | undefined, io: CommandIo): SidecarFacts | undefined {
  if (file === undefined) {
    return sidecarFacts(Object.keys(IDENTITY.headers), readDuration(DEADLINE) ?? 0, LIMITS.maxInFlight);
  }
  const config = readConfig(file, io);
  if (config === undefined) return undefined;
  const { identity, deadlineMs, limits, listen, workerCount } = config;
  return sidecarFacts(
    [...identity.headers.map(({ name }) => name), ...(identity.signed === undefined ? [] : [identity.signed.header])],
    deadlineMs,
    limits.maxInFlightCount,
    needsOf(config),
    { workerCount, addresses: listen.grpc },
  );
}

function needsOf({ issuers }: Config): TokenNeeds {
  const constraints = new Set(issuers.map(({ senderConstraint }) => senderConstraint));
  return {
    certificates: constraints.has("mtls") || constraints.has("either") ? "required" : "unknown",
    proofs: constraints.has("dpop") || constraints.has("either"),
    metadataNamespaces: issuers.flatMap(({ jwks }) => (jwks.kind === "envoy" ? [jwks.namespace] : [])),
  };
}

async function envoyConfigAt(base: URL): Promise<Result<EnvoyConfig, string>> {
  const url = new URL("config_dump", base);
  const call = { method: "GET", url, headers: { accept: "application/json" } } as const;
  const answer = await exchange({ ...call, maxAnswerBytes: MAX_DUMP_BYTES });
  if (!answer.ok) {
    if (answer.error.code !== ANSWER_TOO_LARGE) return err(whyNoAnswer(answer.error, url));
    return err(`${url.href} is larger than ${MAX_DUMP_BYTES / 1024 / 1024} MiB, and is not read`);
  }
  const notOne = (why: string): Result<never, string> =>
    err(`${url.href} is no dump of an Envoy (${why}): is this its admin address?`);
  if (answer.value.status !== 200) return notOne(`HTTP ${answer.value.status}`);
  const dump = parse(answer.value.body);
  if (dump === undefined) return notOne("not JSON");
  const config = readEnvoyConfig(dump);
  return config.ok ? ok(config.value) : notOne(config.error);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function countOf({ findings }: Diagnosis, severity: Severity): number {
  return findings.filter((finding) => finding.severity === severity).length;
}

function jsonOf(diagnosis: Diagnosis): string {
  const { version, managerCount, guardedCount, findings } = diagnosis;
  return `${JSON.stringify({
    envoy: version ?? null,
    listeners: managerCount,
    guarded: guardedCount,
    unsafe: countOf(diagnosis, "unsafe"),
    slow: countOf(diagnosis, "slow"),
    notes: countOf(diagnosis, "note"),
    findings,
  })}\n`;
}

function textOf(diagnosis: Diagnosis): string {
  const { version, managerCount, guardedCount, findings } = diagnosis;
  const counts = `${countOf(diagnosis, "unsafe")} unsafe, ${countOf(diagnosis, "slow")} slow, ${countOf(diagnosis, "note")} to note`;
  const envoy = version === undefined ? "Envoy" : `Envoy ${printable(version)}`;
  const verdict = findings.length === 0 ? "nothing to say against it" : counts;
  return `${findings.map(paragraph).join("")}${envoy}, guarded on ${guardedCount} of ${managerCount} HTTP listeners: ${verdict}\n`;
}

function paragraph({ rule, severity, where, found, want, why, see }: Finding): string {
  const rows = [
    ["is", printable(found)],
    ["want", want],
    ["why", why],
    ["see", see],
  ];
  return `${severity.toUpperCase().padEnd(6)}  ${rule}  ${printable(where)}\n${rows
    .map(([name = "", text = ""]) => `        ${name.padEnd(4)}  ${text}\n`)
    .join("")}\n`;
}
