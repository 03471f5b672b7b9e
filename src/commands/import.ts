// `portcullis import`: revokes what a deny list of another shape holds, through the control API, as `revoke --batch` does. It
// changes nothing where the list is kept, and run twice it revokes nothing twice.

import { hash } from "node:crypto";
import { ForeignReadError, openForeignKeys } from "../revocation/redis/foreign-keys.ts";
import type { TargetKind } from "../core/target.ts";
import type { BatchLine } from "./batch-lines.ts";
import { systemClock } from "./clock.ts";
import { report, type ControlFlags } from "./control-client.ts";
import type { ImportFormat } from "./import-formats.ts";
import {
  csvLines,
  keyLines,
  keyShape,
  krakendLines,
  type KeyShape,
  type ImportDefaults,
  type ImportLines,
} from "./import-lines.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { openChunks, sendLines } from "./revoke-batch.ts";

export interface ImportFlags extends ControlFlags {
  readonly from: ImportFormat;
  readonly kind?: TargetKind;
  readonly issuer?: string;
  readonly reason?: string;
  readonly redis?: string;
  readonly key?: string;
  readonly dryRun?: boolean;
}

/** Higress' jwt-logout plug-in, as it comes: `key_prefix`, and `key` of one claim. */
const HIGRESS_KEY = "higress_jwt_logout_{id}";

export function importList(file: string | undefined, flags: ImportFlags, io: CommandIo): Promise<number> {
  switch (flags.from) {
    case "csv":
    case "krakend":
      return fromFile(file, flags, io);
    case "redis":
    case "higress":
      return fromRedis(file, flags, io);
  }
}

async function fromFile(file: string | undefined, flags: ImportFlags, io: CommandIo): Promise<number> {
  if (file === undefined) return misused(`--from ${flags.from} reads a file: name it, or - for standard input`, io);
  if (flags.redis !== undefined || flags.key !== undefined)
    return misused("--redis and --key are for --from redis and higress", io);
  const read = flags.from === "csv" ? csvLines : krakendLines;
  try {
    return await send(read(openChunks(file, io), defaultsOf(flags), systemClock.now().wallMs), file, flags, io);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return misused(`${file} cannot be read (${code})`, io);
  }
}

async function fromRedis(file: string | undefined, flags: ImportFlags, io: CommandIo): Promise<number> {
  if (file !== undefined) return misused(`--from ${flags.from} reads no file`, io);
  const shape = shapeOf(flags);
  if (shape === undefined)
    return misused("--key takes the keys' shape with {id} in it once, as in 'blacklist:{id}'", io);
  const url = flags.redis ?? io.env["PORTCULLIS_IMPORT_REDIS"];
  if (url === undefined || url === "") return misused("--redis or PORTCULLIS_IMPORT_REDIS names the server", io);
  const keys = await openForeignKeys(url, systemClock);
  if (!keys.ok) {
    const { fault, why } = keys.error;
    return report({ exitCode: fault === "url" ? EXIT.usage : EXIT.failed, message: `${THE_REDIS}: ${why}` }, io);
  }
  try {
    const found = keys.value.matching(shape.glob);
    return await send(keyLines(found, shape, defaultsOf(flags), systemClock.now().wallMs), THE_REDIS, flags, io);
  } catch (error) {
    if (!(error instanceof ForeignReadError)) throw error;
    return report({ exitCode: EXIT.failed, message: `${THE_REDIS}: ${error.message}` }, io);
  } finally {
    await keys.value.close();
  }
}

const THE_REDIS = "the Redis to import from";

function shapeOf({ from, key }: ImportFlags): KeyShape | undefined {
  const pattern = key ?? (from === "higress" ? HIGRESS_KEY : undefined);
  return pattern === undefined ? undefined : keyShape(pattern);
}

function defaultsOf({ from, kind = "token", reason = `imported from ${from}`, issuer }: ImportFlags): ImportDefaults {
  return { kind, reason, issuer };
}

/** Of the same lines the same key: a second run of the same list is answered as the first one was. */
function keyOf(body: string): string {
  return `import-${hash("sha256", body, "hex")}`;
}

async function send(lines: ImportLines, source: string, flags: ImportFlags, io: CommandIo): Promise<number> {
  let expiredCount = 0;
  async function* live(): AsyncGenerator<BatchLine> {
    for await (const line of lines) {
      if (line === "expired") expiredCount += 1;
      else yield line;
    }
  }
  const exitCode = flags.dryRun === true ? await tell(live(), io) : await sendLines(live(), keyOf, source, flags, io);
  if (expiredCount > 0) io.err(`${expiredCount} expired already, and need no revoking\n`);
  return exitCode;
}

/** What would be sent, as `revoke --batch` takes it. */
async function tell(lines: AsyncIterable<BatchLine>, io: CommandIo): Promise<number> {
  let goodCount = 0;
  let badCount = 0;
  for await (const { number, body } of lines) {
    if (body.ok) {
      goodCount += 1;
      io.out(`${JSON.stringify(body.value)}\n`);
    } else {
      badCount += 1;
      io.err(`line ${number}: ${body.error}\n`);
    }
  }
  io.err(`${goodCount} to revoke, ${badCount} not understood; nothing was sent\n`);
  return badCount === 0 ? EXIT.done : EXIT.failed;
}

function misused(message: string, io: CommandIo): Promise<number> {
  return Promise.resolve(report({ exitCode: EXIT.usage, message }, io));
}
