// Reads settings out of JSON that nobody has checked: what is missing or of another type is absent, never a fault. It
// knows no setting by name.

/** Deeper than any configuration of Envoy, whose own parser stops at 100. */
const MAX_DEPTH = 128;

/** What stands at `path` below `value`; undefined: nothing. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? (found as readonly unknown[]) : [];
}

export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
}

export function isOn(value: unknown, ...path: readonly string[]): boolean {
  return at(value, ...path) === true;
}

export function has(value: unknown, ...path: readonly string[]): boolean {
  return at(value, ...path) !== undefined;
}

/** 64-bit numbers are text in protobuf's JSON. */
export function numberAt(value: unknown, ...path: readonly string[]): number | undefined {
  const found = at(value, ...path);
  if (typeof found === "number") return found;
  return typeof found === "string" && /^\d+$/.test(found) ? Number(found) : undefined;
}

/** A duration as protobuf's JSON has it (`0.250s`), in milliseconds. */
export function durationMsAt(value: unknown, ...path: readonly string[]): number | undefined {
  const seconds = /^(-?\d+(?:\.\d+)?)s$/.exec(textAt(value, ...path) ?? "")?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

/** The message that a `google.protobuf.Any` holds, without the domain before it; "" of anything else. */
export function typeOf(value: unknown): string {
  return textAt(value, "@type")?.split("/").at(-1) ?? "";
}

/** Names and values at `path`. */
export function entriesAt(value: unknown, ...path: readonly string[]): readonly (readonly [string, unknown])[] {
  const found = at(value, ...path);
  return typeof found === "object" && found !== null && !Array.isArray(found) ? Object.entries(found) : [];
}

/** A TypedStruct is a message that its sender did not know: it is read like the one it stands for. */
export function unwrapped(value: unknown): unknown {
  if (!/^(?:xds|udpa)\.type\.v\d+\.TypedStruct$/.test(typeOf(value))) return value;
  const fields = snakeCased(at(value, "value"), 0);
  return typeof fields === "object" && fields !== null ? { ...fields, "@type": textAt(value, "type_url") } : value;
}

/** protobuf takes camelCase too, and only a TypedStruct keeps what was written. */
function snakeCased(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) return value.map((item) => snakeCased(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, below]) => [
      name.startsWith("@") ? name : name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeCased(below, depth + 1),
    ]),
  );
}

/** Every message of type `name` in `value`, itself included; what is inside a found one is not looked at. */
export function messagesOf(value: unknown, name: string): readonly unknown[] {
  const found: unknown[] = [];
  const search = (below: unknown, depth: number): void => {
    if (typeof below !== "object" || below === null || depth > MAX_DEPTH) return;
    const message = unwrapped(below);
    if (typeOf(message) === name) found.push(message);
    else for (const next of Object.values(below)) search(next, depth + 1);
  };
  search(value, 0);
  return found;
}
