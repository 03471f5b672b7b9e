// Reads how a client calls itself (RFC 6749 §2.3.1): in the form, or as the user of HTTP Basic. It is a claim to be
// compared with the token's: no secret is looked at, for the token itself is the authority.

import type { IncomingMessage } from "node:http";
import { err, ok, type Result } from "../../core/result.ts";

const BASIC = /^basic +([A-Za-z0-9+/]+=*)$/i;

/** Undefined where the client says nothing; the error is for people. */
export function clientIdOf(
  request: IncomingMessage,
  form: ReadonlyMap<string, string>,
): Result<string | undefined, string> {
  const basic = basicUser(request.headers.authorization);
  if (!basic.ok) return basic;
  const named = form.get("client_id");
  if (named === undefined || named === "") return basic;
  if (basic.value !== undefined && basic.value !== named) return err("The request names two clients.");
  return ok(named);
}

function basicUser(authorization: string | undefined): Result<string | undefined, string> {
  if (authorization === undefined || !/^basic /i.test(authorization)) return ok(undefined);
  const [user, password] = Buffer.from(BASIC.exec(authorization)?.[1] ?? "", "base64")
    .toString()
    .split(":", 2);
  if (user === undefined || password === undefined) return err("The Authorization header cannot be read.");
  try {
    return ok(user === "" ? undefined : decodeURIComponent(user.replaceAll("+", " "))); // RFC 6749 §2.3.1: a form's encoding
  } catch {
    return err("The Authorization header cannot be read.");
  }
}
