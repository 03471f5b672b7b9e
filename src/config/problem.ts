// One thing wrong in a configuration file: where, what, and what is allowed. It never holds a secret's value.

export interface ConfigProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** As in `issuers[0].jwks.url`; empty: the file as a whole. */
  readonly path: string;
  readonly problem: string;
  readonly allowed: string;
}

/** `file:line:column  path  what is wrong  what is allowed`, on one line without its end. */
export function formatProblem(problem: ConfigProblem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`;
  return [where, problem.path === "" ? "(file)" : problem.path, problem.problem, problem.allowed].join("  ");
}

/** Writes a path of keys and indexes as in `issuers[0].jwks.url`; keys that are no plain words are quoted. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(String(part))) text += text === "" ? String(part) : `.${String(part)}`;
    else text += `[${JSON.stringify(String(part))}]`;
  }
  return text;
}
