// Replaces ${NAME} and ${NAME:-default} in one string by environment variables. It never reads the environment itself.

export interface Substituted {
  readonly text: string;
  /** At least one variable was replaced: the text may hold a secret. */
  readonly changed: boolean;
  readonly failures: readonly SubstitutionFailure[];
}

interface SubstitutionFailure {
  /** Which placeholder of the string, from 0, as `placeholderOffsets` counts them. */
  readonly nth: number;
  readonly problem: string;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Text in which something is put in, unless a `$` before it says otherwise. */
export const HOLDS_PLACEHOLDER: RegExp = /\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}/;

/** `$${` stands for a literal `${`. Defaults are taken as they are, up to the first `}`: none can hold a placeholder. */
const PLACEHOLDER = /\$\$\{|\$\{([^}]*)(\}?)/g;

/**
 * As in a shell, `:-` also replaces a variable that is set and empty; without it an empty one is an empty string.
 * What is put in is never looked at again, neither for placeholders nor as YAML.
 */
export function substitute(text: string, env: Readonly<Record<string, string | undefined>>): Substituted {
  const failures: SubstitutionFailure[] = [];
  let changed = false;
  let nth = -1;
  const replaced = text.replace(PLACEHOLDER, (placeholder: string, inner: string | undefined, end: string) => {
    nth += 1;
    if (inner === undefined) return "${";
    const value = end === "" ? { problem: `has "\${" without its "}"` } : look(inner, env);
    if (typeof value === "string") {
      changed = true;
      return value;
    }
    failures.push({ nth, problem: value.problem });
    return placeholder;
  });
  return { text: replaced, changed, failures };
}

/** Where in `source` each placeholder begins. */
export function placeholderOffsets(source: string): readonly number[] {
  return [...source.matchAll(PLACEHOLDER)].map((match) => match.index);
}

function look(inner: string, env: Readonly<Record<string, string | undefined>>): string | { readonly problem: string } {
  const at = inner.indexOf(":-");
  const name = at === -1 ? inner : inner.slice(0, at);
  if (!NAME.test(name)) return { problem: `names no environment variable in "\${${inner}}"` };
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (at !== -1 && inner.includes("${", at)) return { problem: `has another "\${" in the default of ${name}` };
  if (at !== -1) return value === undefined || value === "" ? inner.slice(at + 2) : value;
  return value ?? { problem: `uses the environment variable ${name}, which is not set` };
}
