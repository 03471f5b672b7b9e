// The fleet as it is now.

import type { JSX } from "preact";
import { count, milliseconds, rate, several } from "../format.ts";
import { byOutcome } from "../history.ts";
import { Chart, type Series } from "../parts/chart.tsx";
import { FleetMap } from "../parts/fleet-map.tsx";
import { Note, ProblemNote, Waiting } from "../parts/note.tsx";
import type { Polled } from "../poll.ts";
import type { Summary } from "../types.ts";

const DECISIONS: readonly Series[] = [
  { of: "allowed", label: "allowed", colour: "good" },
  { of: "revoked", label: "refused: revoked", colour: "accent" },
  { of: "refused", label: "refused: other", colour: "other" },
  { of: "unavailable", label: "503", colour: "wrong" },
  { of: "failedOpen", label: "fail-open", colour: "alarm" },
];
const LATENCY: readonly Series[] = [
  { of: "p50", label: "half within", colour: "good" },
  { of: "p99", label: "99 % within", colour: "other" },
];

export function LiveView({ summary }: { summary: Polled<Summary> }): JSX.Element {
  const { value, problem } = summary;
  if (value === undefined) {
    return problem === undefined ? <Waiting what="Asking the fleet …" /> : <ProblemNote problem={problem} />;
  }
  if (value.live === 0) {
    return (
      <Note kind="info">
        No sidecar reports here. One does with <code>control.url</code> and <code>control.reportToken</code> in its
        configuration; see docs/operations.md.
      </Note>
    );
  }
  return (
    <>
      <dl class="tiles">
        <Decisions value={value} />
        <Latency value={value} />
        <Store value={value} />
        <Lag value={value} />
      </dl>
      <div class="charts">
        <Chart title="Decisions a second" series={DECISIONS} format={rate} at={value.at} />
        <Chart title="Time of a Check" series={LATENCY} format={milliseconds} at={value.at} />
      </div>
      <FleetMap sidecars={value.sidecars} live={value.live} />
    </>
  );
}

function Decisions({ value: { rates } }: { value: Summary }): JSX.Element {
  const { allowed, revoked, refused, unavailable } = byOutcome(rates);
  if (rates === null) return <Tile name="Decisions a second" main="…" more="measuring" />;
  const denied = (revoked ?? 0) + (refused ?? 0);
  return (
    <Tile
      name="Decisions a second"
      main={rate((allowed ?? 0) + denied + (unavailable ?? 0))}
      more={`${rate(allowed ?? 0)} allowed · ${rate(denied)} refused · ${rate(unavailable ?? 0)} unavailable`}
      wrong={(unavailable ?? 0) > 0}
    />
  );
}

function Latency({ value: { latency_ms: latency } }: { value: Summary }): JSX.Element {
  if (latency === null) return <Tile name="Time of a Check" main="–" more="no Check in the last seconds" />;
  return (
    <Tile
      name="Time of a Check"
      main={milliseconds(latency.p50)}
      more={`90 % within ${milliseconds(latency.p90)} · 99 % within ${milliseconds(latency.p99)}`}
    />
  );
}

function Store({ value: { store_up: isUp, store_ms: storeMs, sidecars } }: { value: Summary }): JSX.Element {
  const open = sidecars.filter(({ breaker }) => breaker !== "closed").length;
  const breakers = open === 0 ? "every breaker is closed" : `${several(open, "sidecar")} with an open breaker`;
  if (!isUp) return <Tile name="Store" main="out" more={`cannot be asked from here · ${breakers}`} wrong />;
  return (
    <Tile
      name="Store"
      main={open === 0 ? "answers" : "in trouble"}
      more={`${breakers} · ${milliseconds(storeMs)} from here`}
      wrong={open > 0}
    />
  );
}

function Lag({ value: { sidecars, live } }: { value: Summary }): JSX.Element {
  const known = sidecars.flatMap(({ lag_ms: lag }) => lag ?? []);
  const without = sidecars.length - known.length;
  return (
    <Tile
      name="Furthest behind"
      main={known.length === 0 ? "–" : milliseconds(Math.max(...known))}
      more={`${several(live, "sidecar")}${without === 0 ? "" : ` · ${count(without)} without a replica`}`}
    />
  );
}

interface TileProps {
  readonly name: string;
  readonly main: string;
  readonly more: string;
  readonly wrong?: boolean;
}

function Tile({ name, main, more, wrong = false }: TileProps): JSX.Element {
  return (
    <div class={wrong ? "tile wrong" : "tile"}>
      <dt>{name}</dt>
      <dd class="main">{main}</dd>
      <dd class="more">{more}</dd>
    </div>
  );
}
