// `portcullis revoke`: revokes a target through the control API. A JWT is read from standard input only, looked into
// here, and never sent: all that leaves is its jti and its issuer.

import { randomUUID } from "node:crypto";
import type { NamedTarget } from "../control/new-revocation.ts";
import { ok, type Result } from "../core/result.ts";
import { TARGET_KINDS, type TargetKind } from "../core/target.ts";
import type { BatchDefaults } from "./batch-lines.ts";
import { controlClient, report, usage, type CommandFault, type ControlFlags } from "./control-client.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { revokeBatch } from "./revoke-batch.ts";
import { printable, when } from "./printable.ts";
import {
  fleetLine,
  isPending,
  scopeLine,
  targetLine,
  untilLine,
  type PendingAnswer,
  type RevocationAnswer,
} from "./revocation-line.ts";
import { looksLikeJwt, tokenNameOf } from "./token-jti.ts";

export interface RevokeFlags extends ControlFlags {
  /** Required, but for a batch whose lines have their own. */
  readonly reason?: string;
  readonly issuer?: string;
  readonly wait?: string;
  readonly stdin?: boolean;
  /** A file of lines, or `-`. */
  readonly batch?: string;
}

const WAITS: readonly string[] = ["stored", "replicated", "fleet"];

export async function revoke(
  kind: string | undefined,
  id: string | undefined,
  flags: RevokeFlags,
  io: CommandIo,
): Promise<number> {
  if (flags.batch !== undefined) {
    const defaults = batchDefaultsOf(kind, id, flags);
    return defaults.ok ? revokeBatch(flags.batch, defaults.value, flags, io) : report(defaults.error, io);
  }
  const target = await targetOf(kind, id, flags, io);
  if (!target.ok) return report(target.error, io);
  const client = await controlClient(flags, io);
  if (!client.ok) return report(client.error, io);
  const body = {
    target: target.value,
    reason: flags.reason,
    ...(flags.wait === undefined ? {} : { wait: flags.wait }),
  };
  const answer = await client.value.call("POST", "v1/revocations", { body, idempotencyKey: randomUUID() });
  if (!answer.ok) return report(answer.error, io);
  const told = answer.value as RevocationAnswer | PendingAnswer;
  if (flags.json === true) io.out(`${JSON.stringify(told)}\n`);
  else if (isPending(told)) printPending(told, io);
  else printRevoked(told, flags.wait === "fleet", io);
  return isPending(told) ? EXIT.failed : EXIT.done;
}

function printPending(pending: PendingAnswer, io: CommandIo): void {
  io.out(`NOT REVOKED YET: ${targetLine(pending)} waits for another admin until ${when(pending.expires_at)}\n`);
  io.out(`  approve  portcullis approve ${printable(pending.id)} --reason …\n`);
}

/** `isFleetAsked`: whoever asked wants to hear of the fleet, also that nothing can be told. */
export function printRevoked(revocation: RevocationAnswer, isFleetAsked: boolean, io: CommandIo): void {
  io.out(`revoked ${targetLine(revocation)}\n`);
  io.out(`  id      ${revocation.id}\n  tokens  ${scopeLine(revocation)}\n  stands  ${untilLine(revocation)}\n`);
  const fleet = fleetLine(revocation);
  if (fleet !== "") io.out(`  fleet   ${fleet}\n`);
  else if (isFleetAsked) io.out("  fleet   stored, but which sidecars have applied it cannot be told now\n");
}

function batchDefaultsOf(
  kindText: string | undefined,
  id: string | undefined,
  { reason, issuer, wait, stdin }: RevokeFlags,
): Result<BatchDefaults, CommandFault> {
  if (id !== undefined || stdin === true) return usage("with --batch the IDs stand in its lines");
  if (reason?.trim() === "") return usage("--reason must say why");
  const rest = { reason, issuer, wait };
  if (kindText === undefined) return ok(rest);
  const kind = TARGET_KINDS.find((known) => known === kindText);
  if (kind === undefined) return usage(`KIND is one of: ${TARGET_KINDS.join(", ")}`);
  if (kind === "everything" || kind === "issuer") return usage(`${kind} has no ID, and so no batch`);
  return reason === undefined ? usage("--reason must say why") : ok({ ...rest, kind });
}

async function targetOf(
  kindText: string | undefined,
  idArgument: string | undefined,
  flags: RevokeFlags,
  io: CommandIo,
): Promise<Result<NamedTarget, CommandFault>> {
  const kind = TARGET_KINDS.find((known) => known === kindText);
  if (kind === undefined) return usage(`KIND is one of: ${TARGET_KINDS.join(", ")}`);
  if ((flags.reason ?? "").trim() === "") return usage("--reason must say why");
  if (flags.wait !== undefined && !WAITS.includes(flags.wait)) return usage(`--wait is one of: ${WAITS.join(", ")}`);
  const named = await namedBy(kind, idArgument, flags, io);
  if (!named.ok) return named;
  const { id, issuer = flags.issuer } = named.value;
  return ok({ kind, ...(issuer === undefined ? {} : { issuer }), ...(id === undefined ? {} : { id }) });
}

/** `issuer`: of a token that says it, where the command does not. */
async function namedBy(
  kind: TargetKind,
  argument: string | undefined,
  flags: RevokeFlags,
  io: CommandIo,
): Promise<Result<{ readonly id?: string | undefined; readonly issuer?: string | undefined }, CommandFault>> {
  if (argument !== undefined && looksLikeJwt(argument)) {
    return usage(
      "that is a token itself, and arguments can be read by others: use `revoke token --stdin` and give it on standard input",
    );
  }
  if (flags.stdin !== true) return argumentOf(kind, argument);
  if (kind !== "token") return usage("--stdin is for `revoke token`");
  if (argument !== undefined) return usage("give either ID or --stdin");
  const stdin = await io.readStdin();
  if (!stdin.ok) return usage(stdin.error);
  const name = tokenNameOf(stdin.value);
  if (name.ok) return ok({ id: name.value.jti, issuer: flags.issuer ?? name.value.iss });
  return usage(
    name.error === "no JWT"
      ? "standard input holds no JWT"
      : "the token has no jti: revoke its session or its user instead",
  );
}

function argumentOf(
  kind: TargetKind,
  argument: string | undefined,
): Result<{ readonly id?: string | undefined }, CommandFault> {
  if (kind === "everything" || kind === "issuer") {
    if (argument === undefined) return ok({});
    return usage(`${kind} has no ID${kind === "issuer" ? ": name it with --issuer" : ""}`);
  }
  if (argument !== undefined && argument !== "") return ok({ id: argument });
  return usage(`${kind} needs an ID${kind === "token" ? ": its jti, or --stdin" : ""}`);
}
