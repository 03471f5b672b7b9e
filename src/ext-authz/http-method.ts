// Reads a method's name without making a string of those that everybody uses. It judges none: any name is one.

const COMMON = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const;
const KNOWN: readonly { readonly name: string; readonly bytes: Buffer }[] = COMMON.map((name) => ({
  name,
  bytes: Buffer.from(name),
}));

/** The text of `bytes[start…end)`, a character a byte. */
export function methodText(bytes: Buffer, start: number, end: number): string {
  for (const known of KNOWN) if (isAt(known.bytes, bytes, start, end)) return known.name;
  return bytes.toString("latin1", start, end);
}

function isAt(name: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== name.length) return false;
  let at = 0;
  while (at < name.length && bytes[start + at] === name[at]) at++;
  return at === name.length;
}
