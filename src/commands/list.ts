// `portcullis list`: shows live revocations, page by page up to a bound.

import { ok, type Result } from "../core/result.ts";
import { controlClient, report, type CommandFault, type ControlClient, type ControlFlags } from "./control-client.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { columns, printable, when } from "./printable.ts";
import { scopeLine, targetLine, untilLine, type ListedRevocation } from "./revocation-line.ts";

export interface ListFlags extends ControlFlags {
  readonly kind?: string;
  readonly issuer?: string;
  readonly id?: string;
  /** At most so many, as written on the command line; default 1000. */
  readonly limit?: string;
}

interface Listing {
  readonly items: readonly ListedRevocation[];
  readonly cursor?: string;
}

const DEFAULT_LIMIT = 1_000;
const MAX_LIMIT = 1_000_000;
const PAGE_COUNT = 1_000;
/** A page may be short or empty and not the last: a store finds the matching ones by walking through the others. */
const MAX_PAGES = 10_000;

export async function list(flags: ListFlags, io: CommandIo): Promise<number> {
  const limit = flags.limit === undefined ? DEFAULT_LIMIT : Number(flags.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    return report({ exitCode: EXIT.usage, message: `--limit is a number from 1 to ${MAX_LIMIT}` }, io);
  }
  const client = await controlClient(flags, io);
  if (!client.ok) return report(client.error, io);
  const listing = await collect(client.value, flags, limit);
  if (!listing.ok) return report(listing.error, io);
  const { items, cursor } = listing.value;
  if (flags.json === true) io.out(`${JSON.stringify(listing.value)}\n`);
  else io.out(items.length === 0 ? "nothing is revoked\n" : table(items));
  if (cursor !== undefined) io.err(`there are more than these ${items.length}: see --limit\n`);
  return EXIT.done;
}

async function collect(client: ControlClient, flags: ListFlags, limit: number): Promise<Result<Listing, CommandFault>> {
  const items: ListedRevocation[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < MAX_PAGES && items.length < limit; pages++) {
    const page = await client.call("GET", `v1/revocations?${queryOf(flags, limit - items.length, cursor)}`);
    if (!page.ok) return page;
    const { items: found, cursor: next } = page.value as Listing;
    items.push(...found);
    cursor = next;
    if (cursor === undefined) break;
  }
  return ok(cursor === undefined ? { items } : { items, cursor });
}

function queryOf({ kind, issuer, id }: ListFlags, left: number, cursor: string | undefined): string {
  const query = new URLSearchParams({ limit: String(Math.min(PAGE_COUNT, left)) });
  for (const [name, value] of Object.entries({ kind, issuer, id, cursor })) {
    if (value !== undefined) query.set(name, value);
  }
  return query.toString();
}

function table(items: readonly ListedRevocation[]): string {
  const rows = items.map((item) => [
    item.id,
    targetLine(item),
    scopeLine(item),
    untilLine(item),
    item.at === undefined ? "-" : when(item.at),
    printable(item.by ?? "-"),
    printable(item.reason ?? "-"),
  ]);
  return columns([["ID", "TARGET", "TOKENS", "STANDS", "REVOKED", "BY", "REASON"], ...rows]);
}
