// Whom a subject identifier (RFC 9493, and those of Shared Signals 1.0 §3) names among what can be revoked. Pure. What it
// cannot tell it refuses: nobody is guessed at.

import { err, ok, type Result } from "../../core/result.ts";
import type { Target } from "../../core/target.ts";
import { isJsonObject, type JsonObject } from "../../token/json.ts";

/** Whose users, sessions and tokens may be named. */
export interface Directory {
  /** Short ids of the issuers that may be named, by their `iss`. */
  readonly issuerIds: ReadonlyMap<string, string>;
  /** Short id of the issuer that is meant where the identifier names none; undefined: it has to. */
  readonly fallback: string | undefined;
  /** Formats whose value is a `sub`, beside iss_sub and opaque. */
  readonly subjectFormats: readonly string[];
}

/** What an identifier means by itself: a member of a complex one says so. */
type Role = "user" | "session";

/** The member that holds the value, of formats that are one value. */
const VALUE_MEMBERS: Readonly<Record<string, string>> = {
  account: "uri",
  did: "url",
  email: "email",
  opaque: "id",
  phone_number: "phone_number",
  uri: "uri",
};

const MAX_ALIASES = 16;

/** The targets that `subject` names, at least one and each once; the error is for people, and says nothing of the value. */
export function targetsNamed(subject: unknown, directory: Directory): Result<readonly Target[], string> {
  if (!isJsonObject(subject)) return err("There is no subject identifier.");
  const format = formatOf(subject);
  if (format === "complex") return complexTargets(subject, directory);
  return format === "aliases" ? aliasTargets(subject, directory) : simpleTargets(subject, "user", directory);
}

/** Older drafts call it subject_type, with hyphens, and leave it out of complex ones. Empty: it has none. */
export function formatOf(subject: JsonObject): string {
  const { format, subject_type: type } = subject;
  if (typeof format === "string") return format;
  if (typeof type === "string") return type.replaceAll("-", "_");
  return isJsonObject(subject["user"]) || isJsonObject(subject["session"]) ? "complex" : "";
}

/** Shared Signals §3.3. Of its members a user and a session can be revoked; a device or a group can't be told. */
function complexTargets(subject: JsonObject, directory: Directory): Result<readonly Target[], string> {
  const found: Target[] = [];
  for (const role of ["session", "user"] as const) {
    const member = subject[role];
    if (member === undefined) continue;
    if (!isJsonObject(member)) return err(`The subject's ${role} is no subject identifier.`);
    const named = simpleTargets(member, role, directory);
    if (!named.ok) return named;
    found.push(...named.value);
  }
  return found.length > 0 ? ok(found) : err("The subject has neither a user nor a session.");
}

/** RFC 9493 §3.2.8: several names of one subject, never nested; one that is known here is enough. */
function aliasTargets(subject: JsonObject, directory: Directory): Result<readonly Target[], string> {
  const { identifiers } = subject;
  if (!Array.isArray(identifiers) || identifiers.length === 0 || identifiers.length > MAX_ALIASES) {
    return err(`The subject's identifiers are no list of 1 to ${MAX_ALIASES}.`);
  }
  const found = new Map<string, Target>();
  for (const identifier of identifiers as readonly unknown[]) {
    if (!isJsonObject(identifier) || formatOf(identifier) === "aliases")
      return err("An alias is no simple identifier.");
    const named = simpleTargets(identifier, "user", directory);
    for (const target of named.ok ? named.value : []) found.set(JSON.stringify(target), target);
  }
  return found.size > 0 ? ok([...found.values()]) : err("None of the subject's aliases is known here.");
}

function simpleTargets(subject: JsonObject, role: Role, directory: Directory): Result<readonly Target[], string> {
  const format = formatOf(subject);
  switch (format) {
    case "iss_sub":
      return role === "user" ? namedByIssuer("user", subject["iss"], subject["sub"], directory) : UNKNOWN_FORMAT;
    case "jwt_id":
      return role === "user" ? namedByIssuer("token", subject["iss"], subject["jti"], directory) : UNKNOWN_FORMAT;
    case "opaque":
      return byValue(role, subject["id"], directory);
    default: {
      const member = directory.subjectFormats.includes(format) ? VALUE_MEMBERS[format] : undefined;
      return member === undefined || role !== "user" ? UNKNOWN_FORMAT : byValue("user", subject[member], directory);
    }
  }
}

const UNKNOWN_FORMAT = err("The subject's format does not name anybody here.");

function namedByIssuer(
  kind: "user" | "token",
  iss: unknown,
  id: unknown,
  { issuerIds }: Directory,
): Result<readonly Target[], string> {
  const issuer = typeof iss === "string" ? issuerIds.get(iss) : undefined;
  if (issuer === undefined) return err("The subject's issuer is none that may be named here.");
  return targetOf(kind, issuer, id);
}

function byValue(kind: Role, id: unknown, { fallback }: Directory): Result<readonly Target[], string> {
  if (fallback === undefined) return err("The subject must name its issuer, for there are several here.");
  return targetOf(kind, fallback, id);
}

function targetOf(kind: "user" | "session" | "token", issuer: string, id: unknown): Result<readonly Target[], string> {
  return typeof id === "string" && id !== "" ? ok([{ kind, issuer, id }]) : err("The subject's value is no text.");
}
