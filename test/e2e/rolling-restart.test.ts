// Through a real Envoy on the reference configuration: both sidecars are replaced, one after the other, under load.
import { afterAll, beforeAll, expect, test } from "vitest";
import { addEndpoint, NEWEST_ENVOY, startEnvoy } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call } from "../support/http-call.ts";
import { freePorts } from "../support/ports.ts";
import { TRANSPORT, type PortcullisProcess } from "../support/portcullis.ts";
import { until } from "../support/wait.ts";

const LANES = 4;
const CALLS_BETWEEN = 50;

let guarded: GuardedUpstream;
beforeAll(async () => {
  guarded = await startGuardedUpstream();
});
afterAll(() => guarded.stop());

test("a roll-out loses no call, and every sidecar answers again afterwards", async () => {
  const ports = await freePorts(2);
  const start = (port: number): Promise<PortcullisProcess> =>
    guarded.startSidecar({
      drain: { delay: "1s" },
      listen: { grpc: `127.0.0.1:${port}`, ops: "127.0.0.1:0", ...TRANSPORT },
    });
  const sidecars = await Promise.all(ports.map(start));
  const envoy = await startEnvoy({
    version: NEWEST_ENVOY,
    portcullis: ports[0] ?? 0,
    upstreamPort: guarded.upstream.port,
    edit: ({ portcullisCluster }) => addEndpoint(portcullisCluster, ports[1] ?? 0),
  });
  const healthy = (): Promise<number> => envoy.stat("cluster.portcullis.membership_healthy");
  const stopping = new AbortController();
  let count = 0;
  const lost: string[] = [];
  const token = await guarded.issuer.sign();
  const lane = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const answer = await call(envoy.url, { path: "/api/orders", token }).then(({ status }) => String(status), String);
      if (answer !== "200") lost.push(answer);
      count += 1;
    }
  };
  const lanes = Promise.all(Array.from({ length: LANES }, lane));
  const moreCalls = (): Promise<boolean> => {
    const till = count + CALLS_BETWEEN;
    return until("calls to go on", () => count >= till);
  };
  try {
    await until("both to be healthy", async () => (await healthy()) === 2);
    await moreCalls();
    for (const [i, port] of ports.entries()) {
      const leaving = sidecars[i];
      leaving?.process.signal("SIGTERM");
      expect(await leaving?.process.end()).toBe(0);
      await moreCalls();
      sidecars[i] = await start(port);
      await leaving?.stop();
      await until("both to be healthy again", async () => (await healthy()) === 2);
      await moreCalls();
    }
    const refused = envoy.accessLog().filter((line) => line["status"] !== 200);
    expect({ lost, refused }).toEqual({ lost: [], refused: [] });
  } finally {
    stopping.abort();
    await lanes;
    await envoy.stop();
    await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
  }
});
