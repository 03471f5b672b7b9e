// Parses the text as one YAML 1.2 document and words its syntax errors. It never looks at what the document says.

import { parseAllDocuments, type Document, type LineCounter, type YAMLError } from "yaml";
import { err, ok, type Result } from "../core/result.ts";
import type { ConfigProblem } from "./problem.ts";

/** More would only be the echo of the first ones. */
const MAX_SYNTAX_PROBLEMS = 10;

/** The document, undefined if there is none; `lines` is filled on the way. */
export function parseYaml(
  file: string,
  text: string,
  lines: LineCounter,
): Result<Document.Parsed | undefined, readonly ConfigProblem[]> {
  const problem = (offset: number, what: string, allowed: string): ConfigProblem => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col), path: "", problem: what, allowed };
  };
  // Repeated keys are left to the reader of the tree, which names their path.
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    uniqueKeys: false,
    prettyErrors: false,
    version: "1.2",
  });
  const [document, second] = "empty" in documents ? [] : documents;
  if (document === undefined) return ok(undefined);
  const errors = [...document.errors, ...document.warnings];
  if (errors.some((error) => error.code === "RESOURCE_EXHAUSTION")) {
    return err([problem(0, "is nested too deep to be read", "a YAML 1.2 file of a few levels")]);
  }
  if (errors.length > 0) return err(distinct(errors, text, problem));
  if (second !== undefined) return err([problem(second.range[0], "begins a second document", "one YAML document")]);
  const { explicit, version } = document.directives?.yaml ?? {};
  if (explicit === true && version !== "1.2") return err([problem(0, `asks for YAML ${version}`, "YAML 1.2")]);
  return ok(document);
}

function distinct(
  errors: readonly YAMLError[],
  text: string,
  problem: (offset: number, what: string, allowed: string) => ConfigProblem,
): readonly ConfigProblem[] {
  const byLine = new Map<number, ConfigProblem>();
  for (const error of errors) {
    const found = problem(error.pos[0], `is no YAML: ${error.message}`, allowedNear(text, error.pos[0]));
    if (!byLine.has(found.line)) byLine.set(found.line, found);
  }
  return [...byLine.values()].slice(0, MAX_SYNTAX_PROBLEMS);
}

/** The commonest slip: an unquoted placeholder inside a one-line block, where braces are YAML's own. */
function allowedNear(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1).split("\n", 1)[0] ?? "";
  return line.includes("${") ? 'YAML 1.2, with "${NAME}" in quotes inside { } and [ ]' : "YAML 1.2";
}
