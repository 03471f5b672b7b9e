// Envoy's StringMatcher over a header's name. It never throws: a pattern that cannot be read here is said to be so.

import { at, isOn, textAt } from "./settings.ts";

/** undefined: it cannot be told here, as of a custom matcher. `name` is in lower case, as Envoy has header names. */
export function matches(matcher: unknown, name: string): boolean | undefined {
  const fold = (text: string): string => (isOn(matcher, "ignore_case") ? text.toLowerCase() : text);
  const exact = textAt(matcher, "exact");
  if (exact !== undefined) return name === fold(exact);
  const prefix = textAt(matcher, "prefix");
  if (prefix !== undefined) return name.startsWith(fold(prefix));
  const suffix = textAt(matcher, "suffix");
  if (suffix !== undefined) return name.endsWith(fold(suffix));
  const contains = textAt(matcher, "contains");
  if (contains !== undefined) return name.includes(fold(contains));
  return matchesRegex(textAt(at(matcher, "safe_regex"), "regex"), name);
}

/** The whole name, as Envoy matches. RE2 writes flags in front where JavaScript has them behind. */
function matchesRegex(regex: string | undefined, name: string): boolean | undefined {
  if (regex === undefined) return undefined;
  const [, flag = "", pattern = regex] = /^\(\?(i)\)(.*)$/s.exec(regex) ?? [];
  try {
    return new RegExp(`^(?:${pattern})$`, flag).test(name);
  } catch {
    return undefined;
  }
}
