// What the demo runs on: an issuer, an upstream, `portcullis dev` on the embedded store and a real Envoy on the reference
// configuration, all on free ports. Starts them in order and ends them in reverse, each by its own pid.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { NEWEST_ENVOY, startEnvoy, type EnvoyProcess } from "../../test/support/envoy.ts";
import { freePorts } from "../../test/support/ports.ts";
import { startProcess, type RunningProcess } from "../../test/support/process.ts";
import { until } from "../../test/support/wait.ts";
import { startIssuer, type Issuer } from "../issuer/issuer.ts";
import { startUpstream, type Upstream } from "../upstream/upstream.ts";

export const AUDIENCE = "orders-api";

export interface Stage {
  readonly issuer: Issuer;
  readonly upstream: Upstream;
  readonly envoy: EnvoyProcess;
  readonly portcullis: RunningProcess;
  readonly opsUrl: string;
  readonly controlUrl: string;
  /** Holds the bootstrap token that `dev` made; mode 0600. */
  readonly tokenFile: string;
  readonly storeFile: string;
  /** Runs `bin/portcullis` with the control plane's URL and token in its environment, and returns what it wrote. */
  command(...args: string[]): Promise<string>;
  /** Ends everything. */
  strike(): Promise<void>;
}

/** A stage half built is torn down again. */
export async function buildStage(): Promise<Stage> {
  const ending: (() => Promise<void> | void)[] = [];
  const strike = async (): Promise<void> => {
    for (const end of ending.splice(0).toReversed()) await end();
  };
  try {
    return { ...(await start(ending)), strike };
  } catch (error) {
    await strike();
    throw error;
  }
}

async function start(ending: (() => Promise<void> | void)[]): Promise<Omit<Stage, "strike">> {
  const home = mkdtempSync(join(tmpdir(), "portcullis-demo-"));
  ending.push(() => rmSync(home, { recursive: true, force: true }));

  const issuer = await startIssuer({ host: "127.0.0.1", port: 0, audience: AUDIENCE, lifetimeS: 900 });
  ending.push(() => issuer.close());
  const upstream = await startUpstream({ host: "127.0.0.1", port: 0 });
  ending.push(() => upstream.close());

  const [grpcPort = 0, opsPort = 0, controlPort = 0] = await freePorts(3);
  const storeFile = join(home, "portcullis.db");
  const portcullis = startProcess(resolve("bin/portcullis"), ["dev", "--config", "examples/demo/portcullis.yaml"], {
    env: {
      DEMO_GRPC_PORT: String(grpcPort),
      DEMO_OPS_PORT: String(opsPort),
      DEMO_CONTROL_PORT: String(controlPort),
      DEMO_ISSUER: issuer.issuer,
      DEMO_STORE: storeFile,
    },
  });
  ending.push(() => portcullis.stop(15_000));
  const [, controlUrl = "", tokenFile = ""] = await portcullis.line(/control (http:\S+) token file (\S+)/);
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  await until("a ready sidecar", async () => (await fetch(`${opsUrl}/readyz`)).ok).catch((cause: unknown) => {
    throw new Error(`portcullis dev did not become ready; it wrote:\n${portcullis.output()}`, { cause });
  });

  const envoy = await startEnvoy({ version: NEWEST_ENVOY, portcullis: grpcPort, upstreamPort: upstream.port });
  ending.push(() => envoy.stop());

  const command = async (...args: string[]): Promise<string> => {
    const env = { PORTCULLIS_CONTROL_URL: controlUrl, PORTCULLIS_TOKEN: readFileSync(tokenFile, "utf8").trim() };
    const run = startProcess(resolve("bin/portcullis"), args, { env });
    const code = await run.end();
    if (code !== 0) throw new Error(`portcullis ${args.join(" ")} ended with ${code}:\n${run.output()}`);
    return run.output();
  };
  return { issuer, upstream, envoy, portcullis, opsUrl, controlUrl, tokenFile, storeFile, command };
}
