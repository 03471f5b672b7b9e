// Estimates what claims take in memory beside their text: a few bytes of JSON can be a hundred times as large as values,
// and a bound that did not know of it would be none. It judges no claim.

// As V8 holds them, measured on what src/token/json.ts makes: `[{},{},…]` of 15 KB takes 730 KiB.
const OBJECT_BYTES = 200;
const ARRAY_BYTES = 40;
/** Of a member: its place and its name. */
const MEMBER_BYTES = 48;
/** Of an element: its place. */
const ELEMENT_BYTES = 8;
const STRING_BYTES = 40;
const NUMBER_BYTES = 16;

/** Bytes of what lies inside objects and arrays among the values of `claims`; a plain value there counts nothing. */
export function nestedBytes(claims: Readonly<Record<string, unknown>>): number {
  let bytes = 0;
  for (const value of Object.values(claims)) if (typeof value === "object") bytes += bytesOf(value);
  return bytes;
}

function bytesOf(value: unknown): number {
  if (typeof value === "string") return STRING_BYTES;
  if (typeof value === "number") return NUMBER_BYTES;
  if (typeof value !== "object" || value === null) return 0;
  const [ownBytes, placeBytes] = Array.isArray(value) ? [ARRAY_BYTES, ELEMENT_BYTES] : [OBJECT_BYTES, MEMBER_BYTES];
  return Object.values(value).reduce<number>((sum, inner) => sum + placeBytes + bytesOf(inner), ownBytes);
}
