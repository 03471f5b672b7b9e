// Who may call the control API and what for: callers, scopes, and the port that authenticators meet. It reads no
// HTTP and never sees a caller's token other than to hand it on.

import { createHash } from "node:crypto";
import type { ControlScope } from "../core/control-scope.ts";
import type { Result } from "../core/result.ts";
import type { TargetKind } from "../core/target.ts";

/** An authenticated caller of the control API. */
export interface Caller {
  /**
   * Stands as `by` in what the caller revokes and decides what is "one's own": no two authenticators may give the
   * same name to different callers (access tokens: `<issuer id>/<subject>`, for a bootstrap name has no `/`).
   */
  readonly name: string;
  readonly scopes: readonly string[];
}

export type AccessFault =
  /** Not a token of this authenticator's kind: the next one is asked. */
  | { readonly cause: "unknown_token" }
  /** Its kind, and not good (expired, revoked, bad signature …): nobody else is asked. */
  | { readonly cause: "refused" }
  /** It cannot be told now (store or keys away): 503, nobody else is asked. */
  | { readonly cause: "unavailable" };

/** One way to tell who calls. Settles within the deadline of its own; never rejects. */
export interface Authenticator {
  authenticate(token: string): Promise<Result<Caller, AccessFault>>;
}

/** Tries `authenticators` in order until one knows the token's kind. */
export async function authenticateWith(
  authenticators: readonly Authenticator[],
  token: string,
): Promise<Result<Caller, AccessFault>> {
  for (const authenticator of authenticators) {
    const outcome = await authenticator.authenticate(token);
    if (outcome.ok || outcome.error.cause !== "unknown_token") return outcome;
  }
  return { ok: false, error: { cause: "unknown_token" } };
}

/**
 * How the log calls a caller: a bootstrap token by its name, a person by a hash of the subject, which tells his lines
 * apart and can be checked against a suspicion. Who it was stands in the revocation.
 */
export function nameInLog({ name }: Caller): string {
  const slash = name.indexOf("/");
  if (slash === -1) return name;
  return `${name.slice(0, slash)}/${createHash("sha256")
    .update(name.slice(slash + 1))
    .digest("hex")
    .slice(0, 32)}`;
}

export function holds(caller: Caller, scope: ControlScope): boolean {
  return caller.scopes.includes(scope) || caller.scopes.includes("portcullis:admin");
}

/** The scope that revoking a target of `kind` needs: what hits more than one person's sessions is for admins. */
export function scopeOfKind(kind: TargetKind): ControlScope {
  switch (kind) {
    case "token":
    case "session":
    case "user":
      return "portcullis:revoke";
    case "tenant":
    case "client":
    case "issuer":
    case "key":
    case "everything":
      return "portcullis:admin";
  }
}

/** The scope that lifting needs: that of the kind, and admin unless it is one's own. */
export function scopeToLift(
  caller: Caller,
  revocation: { readonly by: string; readonly target: { readonly kind: TargetKind } },
): ControlScope {
  return revocation.by === caller.name ? scopeOfKind(revocation.target.kind) : "portcullis:admin";
}
