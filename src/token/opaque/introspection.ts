// Asks an issuer about one opaque token (RFC 7662 §2). It says what was answered, and judges no claim.

import { isUtf8 } from "node:buffer";
import http from "node:http";
import https from "node:https";
import { err, ok, type Result } from "../../core/result.ts";
import { exchange } from "../http-exchange.ts";
import { parseJsonObject, type JsonObject } from "../json.ts";

export interface IntrospectionOptions {
  readonly url: URL;
  readonly clientId: string;
  /** A secret. */
  readonly clientSecret: string;
  /** Requests at once. */
  readonly maxAtOnce: number;
}

/** Of an active token; undefined: it is not active. */
export type IntrospectionAnswer = { readonly members: JsonObject; readonly textBytes: number } | undefined;

export interface IntrospectionFault {
  /** Holds neither the token nor the secret. */
  readonly why: string;
  /** False: the issuer works, and only this token was none it could be asked about. */
  readonly isIssuers: boolean;
}

/** Ends when `signal` fires, which must bound the whole of it. Never rejects. */
export type Introspect = (
  token: Buffer,
  signal: AbortSignal,
) => Promise<Result<IntrospectionAnswer, IntrospectionFault>>;

/** Claims of a token, not a directory: the answer is parsed member by member. */
const MAX_ANSWER_BYTES = 64 * 1_024;

const JSON_TYPE = /^application\/json *(?:;|$)/i;

/** Keeps connections to the issuer, which end by themselves when nothing is asked. */
export function createIntrospect({ url, clientId, clientSecret, maxAtOnce }: IntrospectionOptions): Introspect {
  const { Agent } = url.protocol === "https:" ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: maxAtOnce });
  // RFC 6749 §2.3.1: a form's encoding, within HTTP Basic.
  const credentials = Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString("base64");
  const headers = {
    authorization: `Basic ${credentials}`,
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
  };
  return async (token, signal) => {
    const body = new URLSearchParams({ token: token.toString("latin1"), token_type_hint: "access_token" }).toString();
    const answer = await exchange(url, { headers, body, maxBytes: MAX_ANSWER_BYTES, agent }, signal);
    if (!answer.ok) return err({ why: answer.error.detail, isIssuers: true });
    const { status, headers: answered, body: bytes } = answer.value;
    if (status !== 200) return err({ why: `HTTP status ${status}`, isIssuers: !ABOUT_THE_TOKEN.has(status) });
    const read =
      JSON_TYPE.test(answered["content-type"] ?? "") && isUtf8(bytes) ? readAnswer(bytes.toString("utf8")) : undefined;
    return read ?? err({ why: "the answer is none of an introspection", isIssuers: true });
  };
}

/** What a stranger's token may bring about must not count against everybody's. */
const ABOUT_THE_TOKEN: ReadonlySet<number> = new Set([400, 413, 414, 422]);

/** RFC 7662 §2.2: `active` decides, and of a token that is not nothing else is heard. */
function readAnswer(text: string): Result<IntrospectionAnswer, never> | undefined {
  const document = parseJsonObject(text);
  if (!document.ok) return undefined;
  const { active } = document.value;
  if (typeof active !== "boolean") return undefined;
  return ok(active ? { members: document.value, textBytes: text.length } : undefined);
}

function formEncoded(text: string): string {
  return new URLSearchParams({ "": text }).toString().slice(1);
}
