// Fetches one small JSON document over HTTP. Where from, others decide.

import { isUtf8 } from "node:buffer";
import { err, ok, type Result } from "../core/result.ts";
import { exchange, type ReadFault } from "./http-exchange.ts";

/** Contract §4. A JWKS of 100 keys with certificates has some 300 KiB. */
export const MAX_DOCUMENT_BYTES: number = 1024 * 1024;

export interface HttpDocument {
  readonly text: string;
  readonly cacheControl: string | undefined;
}

/** GETs `url` on a connection of its own. Ends when `signal` fires, which must bound the whole of it. Never rejects. */
export async function getDocument(url: URL, signal: AbortSignal): Promise<Result<HttpDocument, ReadFault>> {
  const asked = { headers: { accept: "application/json" }, maxBytes: MAX_DOCUMENT_BYTES };
  const answer = await exchange(url, asked, signal);
  if (!answer.ok) return answer;
  const { status, headers, body } = answer.value;
  if (status !== 200) return err({ result: "error", detail: `HTTP status ${status}` });
  if (!isUtf8(body)) return err({ result: "refused", detail: "the document is not UTF-8" });
  return ok({ text: body.toString("utf8"), cacheControl: headers["cache-control"] });
}
