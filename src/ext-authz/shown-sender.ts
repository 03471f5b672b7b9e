// Puts together what a call shows of who sends it, for those few whose token is bound to its sender. It judges nothing.

import type { CredentialScheme } from "../core/possession.ts";
import type { ShownBySender } from "../token/possession.ts";
import type { AuthzRequest } from "./authz-request.ts";
import { isTargetOf } from "./request-target.ts";

export interface Presented {
  readonly scheme: CredentialScheme;
  /** As presented: a view of the request's bytes. */
  readonly token: Buffer;
}

/** `path`: canonical, undefined where it has no one meaning. `scheme`: `https` where clients use it whatever Envoy saw. */
export function shownBy(
  request: AuthzRequest,
  presented: Presented,
  path: string | undefined,
  scheme: "asSeen" | "https",
): ShownBySender {
  const facts = request.sender();
  const { host } = request;
  const target = { scheme: scheme === "https" ? scheme : facts.scheme, host, port: facts.port, path };
  return {
    ...presented,
    method: request.method,
    proof: facts.proofs.length === 1 ? facts.proofs[0] : undefined,
    certificate: facts.certificate,
    isTarget: (htu) => isTargetOf(htu, target),
  };
}
