// How a careless back end reads a path: everything that any of them is known to forgive, forgiven at once. The oracle of
// the ambiguous-path tests; it shares no code with what it judges.

/** Decodes until nothing changes, turns backslashes, cuts parameters, collapses slashes, resolves dots, ignores case. */
export function readLeniently(path: string): string {
  let decoded = path.replace(/[?#].*$/su, "");
  for (;;) {
    const further = decoded.replaceAll(/%([0-9a-f]{2})/giu, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (further === decoded) break;
    decoded = further;
  }
  const segments: string[] = [];
  for (const written of decoded.replaceAll("\\", "/").split("/")) {
    const segment = written.replace(/;.*$/su, "");
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  return `/${segments.join("/").toLowerCase()}`;
}
