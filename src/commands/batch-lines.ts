// What the lines of a batch ask for: whole requests as JSON, or bare ids of one kind. It sends nothing.

import { err, ok, type Result } from "../core/result.ts";
import type { TargetKind } from "../core/target.ts";
import { createLineCutter } from "./line-cutter.ts";
import { looksLikeJwt, tokenNameOf, type TokenName } from "./token-jti.ts";

/** What the command line says for every line that does not say it itself. */
export interface BatchDefaults {
  /** Then a line is an ID of this kind; of `token`, a JWT too. */
  readonly kind?: TargetKind;
  readonly reason: string | undefined;
  readonly issuer: string | undefined;
  readonly wait: string | undefined;
}

/** As POST /v1/revocations takes it; what it lacks the control plane will say. */
export interface LineBody {
  readonly target: { readonly kind: string; readonly issuer?: string; readonly id?: string };
  readonly reason?: unknown;
  /** Epoch seconds. */
  readonly issuedBefore?: number;
  /** Epoch milliseconds. */
  readonly expiresAt?: number;
}

export interface BatchLine {
  /** From 1, blank ones counted. */
  readonly number: number;
  /** The error says what is wrong with the line; it never quotes it, for it may be a token. */
  readonly body: Result<LineBody, string>;
}

export async function* batchLines(
  chunks: AsyncIterable<Uint8Array>,
  defaults: BatchDefaults,
): AsyncGenerator<BatchLine> {
  for await (const { number, text } of textLines(chunks)) yield { number, body: bodyOf(text, defaults) };
}

/** Lines with something in them, without the space around it; numbered from 1, blank ones counted. */
export async function* textLines(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ readonly number: number; readonly text: string }> {
  const cutter = createLineCutter();
  const decoder = new TextDecoder();
  let number = 0;
  for await (const chunk of chunks) {
    for (const line of cutter.push(decoder.decode(chunk, { stream: true }))) {
      number += 1;
      if (line.trim() !== "") yield { number, text: line.trim() };
    }
  }
  for (const line of [...cutter.push(decoder.decode()), cutter.end() ?? ""]) {
    number += 1;
    if (line.trim() !== "") yield { number, text: line.trim() };
  }
}

/** What a decoder puts in the place of bytes that are no UTF-8: sent as an id, it would revoke what nobody holds. */
const UNREADABLE = "\uFFFD";
const NO_UTF8 = err("the line is no UTF-8 text");

function bodyOf(line: string, defaults: BatchDefaults): Result<LineBody, string> {
  return defaults.kind === undefined ? requestOf(line, defaults) : idOf(line, defaults.kind, defaults);
}

/** Of an ID, or of a JWT where a token is meant: all that is taken of it is its jti, and its issuer where none is named. */
export function idOf(
  line: string,
  kind: TargetKind,
  { reason, issuer, wait }: BatchDefaults,
): Result<LineBody, string> {
  if (line.includes(UNREADABLE)) return NO_UTF8;
  const name = looksLikeJwt(line) ? nameOfToken(line, kind) : ok({ jti: line, iss: undefined });
  if (!name.ok) return name;
  const { jti: id, iss } = name.value;
  return ok({ target: { kind, ...given({ issuer: issuer ?? iss }), id }, ...given({ reason, wait }) });
}

function nameOfToken(line: string, kind: TargetKind): Result<TokenName, string> {
  if (kind !== "token") return err(`the line is a token, and no ${kind}`);
  const name = tokenNameOf(line);
  return name.ok ? name : err(name.error === "no jti" ? "the token has no jti" : "the line is no JWT");
}

function requestOf(line: string, { reason, issuer, wait }: BatchDefaults): Result<LineBody, string> {
  if (line.includes(UNREADABLE)) return NO_UTF8;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return err("the line is no JSON; with `revoke KIND --batch` each line is an ID");
  }
  const target = typeof value === "object" && value !== null ? (value as { target?: unknown }).target : undefined;
  if (typeof target !== "object" || target === null) return err("the line has no target");
  const whole = {
    ...given({ issuer: "kind" in target && target.kind === "everything" ? undefined : issuer }),
    ...target,
  };
  return ok({ ...given({ reason, wait }), ...(value as object), target: whole as LineBody["target"] });
}

/** `fields` without those that are undefined. */
function given<T extends object>(fields: T): { [Name in keyof T]?: NonNullable<T[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]?: NonNullable<T[Name]>;
  };
}
