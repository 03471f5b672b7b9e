// What `explain` says of a credential and of whoever presents it. It asks the rooms that judge real calls, and prints nothing.

import type { DenyReason } from "../core/deny-reason.ts";
import type { Possession } from "../core/possession.ts";
import type { Principal } from "../core/principal.ts";
import { err, ok, type Result } from "../core/result.ts";
import { deny, type Deny } from "../core/verdict.ts";
import type { AuthzRequest } from "../ext-authz/authz-request.ts";
import type { CheckPolicy } from "../ext-authz/check-policy.ts";
import type { Requirement } from "../ext-authz/requirement.ts";
import { shownBy, type Presented } from "../ext-authz/shown-sender.ts";
import { systemClock } from "./clock.ts";

/** The one token there is, by which scheme. */
export function presentedBy(
  { authorization }: AuthzRequest,
  policy: CheckPolicy,
): Result<Presented, Extract<DenyReason, "missing_token" | "malformed_request">> {
  const bearer = policy.bearerToken(authorization);
  if (bearer.ok) return ok({ scheme: "Bearer", token: bearer.value });
  const dpop = policy.sender.dpop?.token(authorization);
  return dpop?.ok === true ? ok({ scheme: "DPoP", token: dpop.value }) : bearer;
}

/** Of a token that is bound to nothing: undefined, unless it came by the scheme of those that are bound to a key. */
export function possess(
  request: AuthzRequest,
  { path }: Requirement,
  presented: Presented,
  { confirmation }: Principal,
  policy: CheckPolicy,
  patienceMs: number,
): Promise<Result<Possession | undefined, Deny>> {
  const { judge, dpop } = policy.sender;
  if (presented.scheme === "DPoP" && confirmation?.jkt === undefined)
    return Promise.resolve(err(deny("malformed_request")));
  if (confirmation === undefined) return Promise.resolve(ok(undefined));
  const shown = shownBy(request, presented, path, dpop?.scheme ?? "asSeen");
  const now = systemClock.now();
  return new Promise((resolve) => {
    judge.judge(confirmation, shown, now, now.monotonicMs + patienceMs, (outcome) =>
      resolve(outcome.ok ? outcome : err(deny(outcome.error.reason, outcome.error))),
    );
  });
}

/** Undefined where there is nothing to say: the token is anybody's who has it. */
export function describeHeld(held: Result<Possession | undefined, Deny>): string | undefined {
  if (held.ok) return held.value === undefined ? undefined : "holds what the token is bound to";
  return `refused: ${held.error.sender?.flaw ?? "the token is bound to no key, and DPoP is for those that are"}`;
}
