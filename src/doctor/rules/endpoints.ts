// Whether the cluster over which Envoy asks has the addresses at which the sidecar answers: each of its workers has one.

import { endpointsOf, isLocal, reaches, shown } from "../endpoints.ts";
import type { Tell } from "../finding.ts";
import { textAt } from "../settings.ts";
import type { SidecarFacts } from "../sidecar-facts.ts";

export const ENDPOINT_RULES = {
  "worker-without-endpoint": {
    severity: "slow",
    want: "an endpoint for each address of listen.grpc",
    why: "Each worker answers at an address of its own. One that Envoy does not know has nothing to do, and the others have its share.",
    see: "cluster",
  },
  "endpoint-without-sidecar": {
    severity: "note",
    want: "the addresses of listen.grpc, and those of other sidecars",
    why: "The sidecar of this configuration does not listen there. Where no other does, calls that are sent there wait for a second try or fail.",
    see: "cluster",
  },
} as const;

export function judgeEndpoints(
  cluster: unknown,
  { addresses, workerCount }: SidecarFacts,
  say: Tell<keyof typeof ENDPOINT_RULES>,
): void {
  const where = `cluster ${textAt(cluster, "name") ?? "?"}`;
  const endpoints = endpointsOf(cluster);
  if (endpoints.length === 0 || addresses.length === 0) return;
  const strange = endpoints.filter((endpoint) => !addresses.some((address) => reaches(endpoint, address)));
  for (const endpoint of strange.filter(isLocal)) say("endpoint-without-sidecar", where, shown(endpoint));
  // Another port on the way to it, as of a Service, may stand for any of them.
  if (workerCount === 1 || strange.some((endpoint) => !isLocal(endpoint))) return;
  const left = addresses.filter((address) => !endpoints.some((endpoint) => reaches(endpoint, address)));
  if (left.length > 0)
    say("worker-without-endpoint", where, `workers: ${workerCount}, and no endpoint ${left.map(shown).join(", ")}`);
}
