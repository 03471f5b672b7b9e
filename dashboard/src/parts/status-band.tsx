// What nobody may overlook, above every view: calls let through unchecked, and that what is shown is old.

import type { JSX } from "preact";
import { rate, several, span } from "../format.ts";
import { useNow, type Polled } from "../poll.ts";
import type { Summary } from "../types.ts";

/** Three answers missed. */
const STALE_AFTER_MS = 4_000;

export function StatusBand({ summary }: { summary: Polled<Summary> }): JSX.Element {
  const now = useNow();
  const { value, heardAt, problem } = summary;
  const isStale = value !== undefined && now - heardAt > STALE_AFTER_MS;
  return (
    <div class="bands">
      {value !== undefined && value.failing_open > 0 ? (
        <p class="band alarm" role="alert">
          <strong>Fail-open in progress.</strong> {value.failing_open} of {several(value.live, "sidecar")} let calls
          through without knowing whether they are revoked: {rate(value.rates?.failed_open ?? 0)} a second.
        </p>
      ) : null}
      {value?.store_up === false ? (
        <p class="band outage" role="alert">
          <strong>The store cannot be asked.</strong> Nothing can be revoked now, and each sidecar decides by its tiers.
          What is shown is of the sidecars that report to this control plane.
        </p>
      ) : null}
      {isStale ? (
        <p class="band old" role="status">
          <strong>Old.</strong> What is shown was heard {span(now - heardAt)} ago.{" "}
          {problem?.code === "store_unavailable"
            ? "The control plane cannot ask the store."
            : (problem?.text ?? "Asking again …")}
        </p>
      ) : null}
    </div>
  );
}
