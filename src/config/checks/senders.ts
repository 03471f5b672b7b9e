// Checks what concerns callers' possession of what their tokens are bound to, and warns where nothing is guarded.

import type { Look } from "./look.ts";

export function checkSenders(look: Look): void {
  for (const index of look.list("issuers").keys()) warnOfIgnored(look, index);
  checkNonces(look);
  if (look.text("mode") === "observe")
    look.warn(
      ["mode"],
      "nothing is refused: every call reaches the upstream",
      "enforce, once what it would refuse is right",
    );
}

function warnOfIgnored(look: Look, index: number): void {
  if (look.text("issuers", index, "senderConstraint") !== "ignore") return;
  look.warn(
    ["issuers", index, "senderConstraint"],
    "tokens that are bound to a client are taken from anybody",
    "ifBound, which asks for nothing where a token is bound to nothing",
  );
}

function checkNonces(look: Look): void {
  if (!look.has("dpop", "nonceSecretFile") || look.text("dpop", "nonces") === "required") return;
  look.wrong(["dpop", "nonceSecretFile"], "no nonce is made with it", "nonces: required beside it, or leave it out");
}
