// Refuses requests that two readers could take for different ones, before anybody is asked who calls. It reads headers
// and the query, never the body.

import type { IncomingMessage } from "node:http";
import type { Problem } from "./problem.ts";

/** Of each the library takes the first and drops the others (RFC 9110 §5.3 has one, RFC 9112 §3.2 demands it of Host). */
const ONLY_ONCE = ["host", "content-type"];

const SEVERAL: Problem = { code: "malformed_request", detail: "A header that may come once comes several times." };
const ENCODED: Problem = {
  code: "unsupported_media_type",
  detail: "The body is taken as it is: leave content-encoding out.",
};
const UNREADABLE_QUERY: Problem = { code: "malformed_request", detail: "The query is no UTF-8, percent-encoded." };

/** Undefined: nothing is wrong with its form. */
export function faultOfForm({ headersDistinct, url = "" }: IncomingMessage): Problem | undefined {
  if (ONLY_ONCE.some((name) => (headersDistinct[name]?.length ?? 0) > 1)) return SEVERAL;
  const codings = headersDistinct["content-encoding"] ?? [];
  if (codings.some((coding) => coding.toLowerCase() !== "identity")) return ENCODED;
  const query = url.indexOf("?");
  return query === -1 || isDecodable(url.slice(query + 1)) ? undefined : UNREADABLE_QUERY;
}

/** What is not would be taken as it stands: another id than the one that was meant would be told free. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
