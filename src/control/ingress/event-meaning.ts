// What each security event asks for: CAEP 1.0 §3, RISC 1.0 §2, and the events of a stream itself (Shared Signals 1.0
// §8.1.4, §8.1.5). Pure. An event that is not known asks for nothing.

import { err, ok, type Result } from "../../core/result.ts";
import type { Target } from "../../core/target.ts";
import { isJsonObject, type JsonObject } from "../../token/json.ts";
import type { SecurityEventToken } from "../../token/security-event-token.ts";
import { formatOf, targetsNamed, type Directory } from "./subject-identifier.ts";

export interface Meaning {
  /** Each once; empty: there is nothing to revoke. */
  readonly targets: readonly Target[];
  /** Short names of the events that are known, in their order. */
  readonly known: readonly string[];
  /** How many were not. */
  readonly unknownCount: number;
  /** Of the stream's own verification event: its `state`, undefined where it has none; undefined: it is none. */
  readonly verification: { readonly state: unknown } | undefined;
}

/**
 * ends: of what is named the narrowest has ended: its session, or else all that the user began before.
 * outdates: tokens issued before are no longer true; a session may go on with new ones, so the user is meant first.
 */
type Effect = "ends" | "outdates" | "if not compliant" | "nothing";

const CAEP = "https://schemas.openid.net/secevent/caep/event-type/";
const RISC = "https://schemas.openid.net/secevent/risc/event-type/";
const SSF = "https://schemas.openid.net/secevent/ssf/event-type/";
const VERIFICATION = `${SSF}verification`;

const EFFECTS: ReadonlyMap<string, Effect> = new Map([
  [`${CAEP}session-revoked`, "ends"],
  [`${CAEP}credential-change`, "outdates"],
  [`${CAEP}token-claims-change`, "outdates"],
  [`${CAEP}device-compliance-change`, "if not compliant"],
  [`${RISC}account-disabled`, "outdates"],
  [`${RISC}account-purged`, "outdates"],
  [`${RISC}credential-compromise`, "outdates"],
  [`${RISC}sessions-revoked`, "outdates"],
  [VERIFICATION, "nothing"],
  [`${SSF}stream-updated`, "nothing"],
]);

/** What kinds an effect is after: the first that the subject names. */
const ORDER: Readonly<Record<"ends" | "outdates", readonly Target["kind"][]>> = {
  ends: ["token", "session", "user"],
  outdates: ["token", "user", "session"],
};

/** The error is for people: a known event that cannot be acted on. Nothing of the token is acted on then. */
export function meaningOf(token: SecurityEventToken, directory: Directory): Result<Meaning, string> {
  const targets = new Map<string, Target>();
  const known: string[] = [];
  const verification = token.events.get(VERIFICATION);
  for (const [type, payload] of token.events) {
    const effect = EFFECTS.get(type);
    if (effect === undefined) continue;
    known.push(type.slice(type.lastIndexOf("/") + 1));
    const asked = targetsOf(effect, payload, token.subject, directory);
    if (!asked.ok) return asked;
    for (const target of asked.value) targets.set(JSON.stringify(target), target);
  }
  return ok({
    targets: [...targets.values()],
    known,
    unknownCount: token.events.size - known.length,
    verification: verification === undefined ? undefined : { state: verification["state"] },
  });
}

function targetsOf(
  effect: Effect,
  payload: JsonObject,
  subject: unknown,
  directory: Directory,
): Result<readonly Target[], string> {
  switch (effect) {
    case "nothing":
      return ok([]);
    case "if not compliant":
      // CAEP §3.5.
      if (payload["current_status"] === "compliant") return ok([]);
      if (payload["current_status"] !== "not-compliant") return err("The event has no current_status that is known.");
      return targetsOf("outdates", payload, subject, directory);
    case "ends":
    case "outdates": {
      // Older drafts have the subject in the event.
      const asked = subject ?? payload["subject"];
      const named = targetsNamed(asked, directory);
      return named.ok ? ok(effect === "ends" ? ended(asked, named.value) : narrowed("outdates", named.value)) : named;
    }
  }
}

function narrowed(effect: "ends" | "outdates", named: readonly Target[]): readonly Target[] {
  const kind = ORDER[effect].find((candidate) => named.some((target) => target.kind === candidate));
  return named.filter((target) => target.kind === kind);
}

/** An opaque id by itself may be a session's (CAEP §3.1 has it so) or a user's: whichever it is has ended. */
function ended(subject: unknown, named: readonly Target[]): readonly Target[] {
  const isOpaque = isJsonObject(subject) && formatOf(subject) === "opaque";
  const sessions = named.map((target) => (target.kind === "user" ? { ...target, kind: "session" as const } : target));
  return isOpaque ? [...named, ...sessions] : narrowed("ends", named);
}
