// Reads a list of targets as people have it: an id a line, or CSV with a header or as kind,id[,issuer].

import { KINDS, type Kind, type Target } from "./types.ts";

export interface TargetLine {
  /** Of the text, from 1. */
  readonly line: number;
  readonly target: Target | undefined;
  /** Why it is none, for people. */
  readonly fault: string | undefined;
}

/** As many as the API takes at once. */
export const MAX_LINES = 10_000;

/** A JSON object, in base64url, at its beginning. */
const WHOLE_TOKEN = /^ey[\w-]+\.[\w-]+\.[\w-]*$/;

/** What the browser puts in the place of bytes of a file that are no UTF-8: as an id it would mean somebody else. */
const UNREADABLE = "\uFFFD";

/** `kind` and `issuer` are meant where a line names none. Empty lines and lines that begin with `#` are passed over. */
export function readTargets(text: string, kind: Kind, issuer: string | undefined): readonly TargetLine[] {
  const lines = text.split(/\r?\n/).map((content, index) => ({ content: content.trim(), line: index + 1 }));
  const first = lines.find(isMeant);
  const header = first === undefined ? undefined : headerOf(first.content);
  return lines
    .filter((one) => isMeant(one) && (header === undefined || one.line !== first?.line))
    .map(({ content, line }) => targetOf(line, cellsOf(content), header, { kind, issuer }));
}

function isMeant({ content }: { readonly content: string }): boolean {
  return content !== "" && !content.startsWith("#");
}

function headerOf(content: string): readonly string[] | undefined {
  const cells = cellsOf(content).map((cell) => cell.toLowerCase());
  return cells.includes("id") && cells.every((cell) => ["kind", "id", "issuer"].includes(cell)) ? cells : undefined;
}

function targetOf(
  line: number,
  cells: readonly string[],
  header: readonly string[] | undefined,
  otherwise: { readonly kind: Kind; readonly issuer: string | undefined },
): TargetLine {
  const fault = (why: string): TargetLine => ({ line, target: undefined, fault: why });
  const columns = header ?? (KINDS.some((known) => known === cells[0]) ? ["kind", "id", "issuer"] : ["id", "issuer"]);
  const cell = (name: string): string | undefined => cells[columns.indexOf(name)] || undefined;
  if (cells.some((one) => one.includes(UNREADABLE))) return fault("it is no UTF-8 text");
  if (cells.length > columns.length) return fault(`it has more than ${columns.join(",")}`);
  const named = cell("kind") ?? otherwise.kind;
  const kind = KINDS.find((known) => known === named);
  const id = cell("id");
  if (kind === undefined) return fault(`${named} is no kind of target`);
  if (id === undefined) return fault("it names nobody");
  if (WHOLE_TOKEN.test(id)) return fault("it is a whole token: name it by its jti");
  const issuer = cell("issuer") ?? otherwise.issuer;
  return { line, target: { kind, id, ...(issuer === undefined ? {} : { issuer }) }, fault: undefined };
}

/** RFC 4180, a line at a time. */
function cellsOf(content: string): readonly string[] {
  return [...content.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain = ""]) =>
    quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'),
  );
}
