// Turns the entries of others' deny lists into requests to revoke: what each line or key means, or why it means nothing here. It
// sends nothing, and quotes no entry, for it may be a token.

import { err, ok, type Result } from "../core/result.ts";
import { TARGET_KINDS, type TargetKind } from "../core/target.ts";
import { idOf, textLines, type BatchDefaults, type BatchLine, type LineBody } from "./batch-lines.ts";

export interface ImportDefaults {
  readonly kind: TargetKind;
  readonly reason: string;
  readonly issuer: string | undefined;
}

/** undefined: its time is over, and there is nothing to revoke. */
type Meant = Result<LineBody, string> | undefined;

/** Lines as of a batch; `expired` counts what is over already. */
export type ImportLines = AsyncGenerator<BatchLine | "expired">;

const CSV_COLUMNS = ["kind", "id", "issuer", "reason", "issued_before", "expires_at"] as const;
type Row = Partial<Record<(typeof CSV_COLUMNS)[number], string>>;

/** RFC 4180, one line a record, whose first line names the columns. Times are epoch seconds or ISO 8601. */
export async function* csvLines(
  chunks: AsyncIterable<Uint8Array>,
  defaults: ImportDefaults,
  nowMs: number,
): ImportLines {
  let names: readonly string[] | undefined;
  for await (const { number, text } of textLines(chunks)) {
    const fields = csvFields(text);
    if (names === undefined) {
      names = (fields ?? []).map((name) => name.toLowerCase());
      const isEachOnce = new Set(names).size === names.length;
      const isHeader =
        isEachOnce && names.includes("id") && names.every((name) => CSV_COLUMNS.some((known) => known === name));
      if (!isHeader) {
        yield { number, body: err(`the first line must name the columns, some of ${CSV_COLUMNS.join(", ")}, and id`) };
        return;
      }
    } else if (fields === undefined) yield lineOf(number, NOT_CSV);
    else if (fields.length > names.length) yield lineOf(number, TOO_MANY_FIELDS);
    else yield lineOf(number, ofRow(rowOf(names, fields), defaults, nowMs));
  }
}

const NOT_CSV: Meant = err("the line is no CSV: a quote is open, or stands inside a field");
/** Read on, a part of an id would be taken for all of it. */
const TOO_MANY_FIELDS: Meant = err("the line has more fields than columns are named: quote what has a comma in it");
const FIELD = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;

function csvFields(line: string): readonly string[] | undefined {
  const fields: string[] = [];
  FIELD.lastIndex = 0;
  for (;;) {
    const found = FIELD.exec(line);
    if (found === null) return undefined;
    const [, quoted, bare = "", end] = found;
    fields.push(quoted === undefined ? bare.trim() : quoted.replaceAll('""', '"'));
    if (end === "") return fields;
  }
}

function rowOf(names: readonly string[], fields: readonly string[]): Row {
  return Object.fromEntries(names.map((name, i) => [name, fields[i] ?? ""]).filter(([, value]) => value !== ""));
}

function ofRow(row: Row, defaults: ImportDefaults, nowMs: number): Meant {
  const kind = kindOf(row, defaults);
  if (kind === undefined) return err(`the kind is none of ${TARGET_KINDS.join(", ")}`);
  if (row.id === undefined && kind !== "issuer" && kind !== "everything") return err("the id is missing");
  const issuedBeforeMs = timeOf(row.issued_before);
  const expiresAtMs = timeOf(row.expires_at);
  if (issuedBeforeMs === "bad" || expiresAtMs === "bad") return err("a time is neither epoch seconds nor ISO 8601");
  const { reason = defaults.reason, issuer = defaults.issuer } = row;
  const more = issuedBeforeMs === undefined ? {} : { issuedBefore: Math.ceil(issuedBeforeMs / 1_000) };
  return ofId(row.id, { kind, reason, issuer }, expiresAtMs, nowMs, more);
}

function kindOf(row: Row, defaults: ImportDefaults): TargetKind | undefined {
  return row.kind === undefined ? defaults.kind : TARGET_KINDS.find((known) => known === row.kind);
}

/** In epoch milliseconds. */
function timeOf(text: string | undefined): number | undefined | "bad" {
  if (text === undefined) return undefined;
  const ms = /^\d{1,10}(?:\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text);
  return Number.isFinite(ms) && /^\d/.test(text) ? ms : "bad";
}

/** Claims that KrakenD's `token_keys` may name, and what they are here. */
const KRAKEND_CLAIMS: Readonly<Record<string, TargetKind>> = {
  jti: "token",
  sid: "session",
  sub: "user",
  client_id: "client",
  tenant: "tenant",
};

/**
 * The elements that KrakenD's revoker was given, one a line: a claim of `token_keys`, a hyphen and its value. A filter itself
 * cannot be read: it says of a value that it may be in it, and lists none.
 */
export async function* krakendLines(
  chunks: AsyncIterable<Uint8Array>,
  { reason, issuer }: ImportDefaults,
  nowMs: number,
): ImportLines {
  for await (const { number, text } of textLines(chunks)) {
    const [, claim = "", value = ""] = /^([A-Za-z_]+)-(.+)$/.exec(text) ?? [];
    const kind = Object.hasOwn(KRAKEND_CLAIMS, claim) ? KRAKEND_CLAIMS[claim] : undefined;
    yield lineOf(number, kind === undefined ? NOT_KRAKEND : ofId(value, { kind, reason, issuer }, undefined, nowMs));
  }
}

const NOT_KRAKEND: Meant = err(`the line is not <claim>-<value> with one of ${Object.keys(KRAKEND_CLAIMS).join(", ")}`);

/** What a key of a list in Redis names. */
export interface KeyShape {
  /** For SCAN. */
  readonly glob: string;
  /** What stands for {id} and {issuer} in `key`; undefined: the key has another shape. */
  read(key: string): { readonly id: string; readonly issuer: string | undefined } | undefined;
}

/** `pattern` is a key with `{id}` once, and perhaps `{issuer}`, in it. Undefined: it is not. */
export function keyShape(pattern: string): KeyShape | undefined {
  const parts = pattern.split(/(\{id\}|\{issuer\})/);
  if (parts.filter((part) => part === "{id}").length !== 1) return undefined;
  if (parts.filter((part) => part === "{issuer}").length > 1) return undefined;
  const glob = parts.map((part) => (isHole(part) ? "*" : part.replaceAll(/[*?[\]\\^]/g, "\\$&"))).join("");
  const holes = { "{id}": "(?<id>.+)", "{issuer}": "(?<issuer>[a-z0-9-]{1,32})" };
  const source = parts.map((part) => (isHole(part) ? holes[part as keyof typeof holes] : literal(part))).join("");
  const shape = new RegExp(`^${source}$`, "s");
  return {
    glob,
    read(key) {
      const { id, issuer } = shape.exec(key)?.groups ?? {};
      return id === undefined ? undefined : { id, issuer };
    },
  };
}

/** Of each key once; the expiry that it has is kept. */
export async function* keyLines(
  keys: AsyncIterable<{ readonly key: string; readonly expiresAtMs: number | undefined }>,
  shape: KeyShape,
  { kind, reason, issuer }: ImportDefaults,
  nowMs: number,
): ImportLines {
  const seen = new Set<string>();
  for await (const { key, expiresAtMs } of keys) {
    const named = seen.has(key) ? undefined : shape.read(key);
    if (named === undefined) continue;
    seen.add(key);
    const given = { kind, reason, issuer: named.issuer ?? issuer };
    yield lineOf(seen.size, ofId(named.id, given, expiresAtMs, nowMs));
  }
}

/** As a regular expression that matches nothing else. */
function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}

function isHole(part: string): boolean {
  return part === "{id}" || part === "{issuer}";
}

type Given = Pick<BatchDefaults, "reason" | "issuer"> & { readonly kind: TargetKind };

function ofId(
  id: string | undefined,
  { kind, reason, issuer }: Given,
  expiresAtMs: number | undefined,
  nowMs: number,
  more: Pick<LineBody, "issuedBefore"> = {},
): Meant {
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs) return undefined;
  const until = expiresAtMs === undefined ? {} : { expiresAt: Math.round(expiresAtMs) };
  if (id === undefined)
    return ok({
      target: issuer === undefined || kind === "everything" ? { kind } : { kind, issuer },
      reason,
      ...more,
      ...until,
    });
  const body = idOf(id, kind, { reason, issuer, wait: undefined });
  return body.ok ? ok({ ...body.value, ...more, ...until }) : body;
}

function lineOf(number: number, meant: Meant): BatchLine | "expired" {
  return meant === undefined ? "expired" : { number, body: meant };
}
