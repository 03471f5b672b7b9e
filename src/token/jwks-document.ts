// Reads an issuer's JWKS document from where it is: a file, a URL, or a URL found by discovery. It judges no key.

import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { err, ok, type Result } from "../core/result.ts";
import type { ReadFault } from "./http-exchange.ts";
import { getDocument, MAX_DOCUMENT_BYTES, type HttpDocument } from "./jwks-http.ts";
import { metadataUrls, trustedUrl } from "./jwks-url.ts";
import { parseJsonObject } from "./json.ts";

/** Where the JWKS document is. `allowHttp` covers the URL written in the configuration only. */
export type JwksLocation =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "url"; readonly url: string; readonly allowHttp: boolean }
  | { readonly kind: "discovery"; readonly issuer: string; readonly allowHttp: boolean };

export interface DocumentReading {
  readonly text: string;
  /** How long to wait before reading again. */
  readonly freshForMs: number;
}

/** A file costs next to nothing to read again, and watching one misses replaced directories and symbolic links. */
const FILE_FRESH_FOR_MS = 2_000;
/** Where the server says nothing: five minutes is how long a withdrawn key may go on at most being trusted by it. */
const URL_FRESH_FOR_MS = 5 * 60_000;
/** Bounds of the server's own max-age: not a flood by `max-age=0`, not a withdrawn key for a day. */
const MIN_URL_FRESH_FOR_MS = 60_000;
const MAX_URL_FRESH_FOR_MS = 15 * 60_000;

const MAX_AGE = /(?:^|[\s,])max-age="?(\d{1,9})/i;

/** Reads the document once. `signal` bounds the whole of it. Never rejects. */
export function readDocument(location: JwksLocation, signal: AbortSignal): Promise<Result<DocumentReading, ReadFault>> {
  switch (location.kind) {
    case "file":
      return readJwksFile(location.path, signal);
    case "url":
      return readUrl(trustedUrl(location.url, { writtenBy: "configuration", allowHttp: location.allowHttp }), signal);
    case "discovery":
      return discover(location.issuer, location.allowHttp, signal);
  }
}

async function readJwksFile(path: string, signal: AbortSignal): Promise<Result<DocumentReading, ReadFault>> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return refused("it is no regular file");
    if (found.size > MAX_DOCUMENT_BYTES) return refused(`the file is larger than ${MAX_DOCUMENT_BYTES} bytes`);
    const bytes = await readFile(path, { signal });
    if (!isUtf8(bytes)) return refused("the file is not UTF-8");
    return ok({ text: bytes.toString("utf8"), freshForMs: FILE_FRESH_FOR_MS });
  } catch (failure) {
    const { code, name } = failure as NodeJS.ErrnoException;
    return err({ result: "error", detail: code ?? name });
  }
}

async function readUrl(url: URL | undefined, signal: AbortSignal): Promise<Result<DocumentReading, ReadFault>> {
  if (url === undefined) return refused("the URL is neither https nor an http URL that is allowed");
  const document = await getDocument(url, signal);
  if (!document.ok) return document;
  return ok({ text: document.value.text, freshForMs: freshForMs(document.value) });
}

/** Reads the metadata anew each time: keys may move, and one more request per refresh costs nothing. */
async function discover(
  issuer: string,
  allowHttp: boolean,
  signal: AbortSignal,
): Promise<Result<DocumentReading, ReadFault>> {
  let first: Result<never, ReadFault> | undefined;
  for (const text of metadataUrls(issuer)) {
    const at = trustedUrl(text, { writtenBy: "configuration", allowHttp });
    if (at === undefined) return refused("the issuer is neither https nor an http URL that is allowed");
    const metadata = await getDocument(at, signal);
    const jwksUri = metadata.ok ? readMetadata(metadata.value.text, issuer) : metadata;
    if (jwksUri.ok) return readUrl(trustedUrl(jwksUri.value, { writtenBy: "document", at }), signal);
    first ??= jwksUri;
  }
  return first ?? refused("the issuer is no URL, so it has no metadata");
}

/** `jwks_uri` of a metadata document whose `issuer` is ours byte for byte (RFC 8414 §3.3). */
function readMetadata(text: string, issuer: string): Result<string, ReadFault> {
  const metadata = parseJsonObject(text);
  if (!metadata.ok) return refused("the metadata is not one strict JSON object");
  if (metadata.value["issuer"] !== issuer) return refused("the metadata names another issuer");
  const jwksUri = metadata.value["jwks_uri"];
  return typeof jwksUri === "string" ? ok(jwksUri) : refused("the metadata has no jwks_uri");
}

function freshForMs(document: HttpDocument): number {
  const seconds = MAX_AGE.exec(document.cacheControl ?? "")?.[1];
  if (seconds === undefined) return URL_FRESH_FOR_MS;
  return Math.min(MAX_URL_FRESH_FOR_MS, Math.max(MIN_URL_FRESH_FOR_MS, Number(seconds) * 1000));
}

function refused(detail: string): Result<never, ReadFault> {
  return err({ result: "refused", detail });
}
