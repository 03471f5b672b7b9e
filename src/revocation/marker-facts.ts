// Reads what a marker's value tells of itself, whoever wrote it (docs/redis-schema.md). It never says what the value means for a
// token: judge.ts does.

/** Each is undefined where the value does not tell it, or tells it with another type. */
export interface MarkerFacts {
  /** Never "". */
  readonly id: string | undefined;
  readonly seq: number | undefined;
  /** Epoch seconds. */
  readonly issuedBeforeS: number | undefined;
  readonly reason: string | undefined;
  readonly by: string | undefined;
  /** Epoch milliseconds. */
  readonly atMs: number | undefined;
}

/** The facts in our JSON, or in another program's; all undefined in what is no JSON object. */
export function markerFacts(value: string): MarkerFacts {
  const told = members(value);
  return {
    id: text(told["id"]) || undefined,
    seq: integer(told["seq"]),
    issuedBeforeS: number(told["issued_before"]),
    reason: text(told["reason"]),
    by: text(told["by"]),
    atMs: integer(told["at"]),
  };
}

function members(value: string): Readonly<Record<string, unknown>> {
  if (!value.startsWith("{")) return {};
  try {
    return JSON.parse(value) as Record<string, unknown>;
  } catch {
    return {}; // another program's value, which need not be JSON
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function integer(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}
