// The fleet as a lattice, a bar for each sidecar, and the same as a table.

import type { JSX } from "preact";
import { milliseconds, moment, rate } from "../format.ts";
import type { Sidecar } from "../types.ts";

/** The strictest default tier that is answered from memory allows so much. */
const LATE_MS = 2_000;

type Health = "good" | "late" | "unproved" | "broken" | "open";

const HEALTH: Readonly<Record<Health, string>> = {
  good: "in step",
  late: "behind",
  unproved: "asks the store",
  broken: "breaker open",
  open: "failing open",
};

export function FleetMap({ sidecars, live }: { sidecars: readonly Sidecar[]; live: number }): JSX.Element {
  return (
    <section aria-label="Fleet">
      <h2>Fleet</h2>
      <ul class="lattice" aria-hidden="true">
        {sidecars.map((sidecar) => (
          <li key={sidecar.id} class={healthOf(sidecar)} title={`${sidecar.id}: ${HEALTH[healthOf(sidecar)]}`} />
        ))}
      </ul>
      {sidecars.length < live ? (
        <p class="hint">
          The {sidecars.length} that lag most of {live}.
        </p>
      ) : null}
      <div class="scroll" tabIndex={0} role="region" aria-label="Sidecars">
        <table>
          <thead>
            <tr>
              <th scope="col">Sidecar</th>
              <th scope="col">State</th>
              <th scope="col" class="number">
                Lag
              </th>
              <th scope="col">Breaker</th>
              <th scope="col" class="number">
                Calls/s
              </th>
              <th scope="col">Version</th>
              <th scope="col">Since</th>
            </tr>
          </thead>
          <tbody>
            {sidecars.map((sidecar) => (
              <Row key={sidecar.id} sidecar={sidecar} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ sidecar }: { sidecar: Sidecar }): JSX.Element {
  const { id, lag_ms: lag, breaker, rates, version, started_at: startedAt } = sidecar;
  const health = healthOf(sidecar);
  return (
    <tr>
      <th scope="row" class="code">
        {id}
      </th>
      <td>
        <span class={`state ${health}`}>{HEALTH[health]}</span>
      </td>
      <td class="number">{lag === null ? "–" : milliseconds(lag)}</td>
      <td>{breaker}</td>
      <td class="number">{rates === null ? "…" : rate(totalOf(rates))}</td>
      <td class="code">{version}</td>
      <td>{moment(startedAt)}</td>
    </tr>
  );
}

function healthOf({ rates, breaker, lag_ms: lag }: Sidecar): Health {
  if ((rates?.failed_open ?? 0) > 0) return "open";
  if (breaker !== "closed") return "broken";
  if (lag === null) return "unproved";
  return lag > LATE_MS ? "late" : "good";
}

function totalOf({ allowed, denied }: NonNullable<Sidecar["rates"]>): number {
  return Object.values(denied).reduce((sum, one) => sum + one, allowed);
}
