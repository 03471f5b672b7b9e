// What a revocation would hit, and how much of the fleet said so.

import type { JSX } from "preact";
import { count, several, span } from "../format.ts";
import type { Preview } from "../types.ts";

export function Blast({ preview }: { preview: Preview }): JSX.Element {
  const { tokens, sessions, users, exact, within_ms: within, coverage } = preview;
  const { live, answered, missing, back_ms: back } = coverage;
  if (answered === 0) {
    return (
      <p class="note warn" role="status">
        Nobody can say what it would hit:{" "}
        {live === 0 ? "no sidecar reports here" : `none of ${several(live, "sidecar")} answered`}.
      </p>
    );
  }
  const about = exact ? "" : "about ";
  return (
    <div class="blast" role="status">
      <p class="sum">
        {tokens === 0
          ? "No token"
          : `${about}${several(tokens, "token")} of ${about}${several(users, "user")} in ${about}${several(sessions, "session")}`}
      </p>
      <p class="hint">
        seen by {count(answered)} of {several(live, "sidecar")} in the last {span(within)}
        {back !== null && back < within ? `, by some only in the last ${span(back)}` : ""}
        {missing.length === 0 ? "" : `. Silent: ${missing.slice(0, 3).join(", ")}${missing.length > 3 ? " …" : ""}`}.
        Tokens that were not used lately are not counted, and die all the same.
      </p>
    </div>
  );
}
