// Starts a real Envoy on envoy/envoy.yaml itself: the file is read, addresses and ports are replaced, and a Check is given
// more time than a proxy would; nothing else changes, unless a test says so.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { startProcess, type RunningProcess } from "./process.ts";
import { until } from "./wait.ts";

/** The oldest and the newest packaged, and the one for which a broken overwrite of headers was reported. */
export const ENVOY_VERSIONS = ["1.36.2", "1.37.0", "1.40.0"] as const;
export type EnvoyVersion = (typeof ENVOY_VERSIONS)[number];
export const NEWEST_ENVOY: EnvoyVersion = "1.40.0";

/** A message of Envoy's configuration, by its field names. */
export type Settings = Record<string, unknown>;

/** The parts of the reference configuration that a test may change. */
export interface EnvoyParts {
  readonly connectionManager: Settings;
  readonly extAuthz: Settings;
  readonly portcullisCluster: Settings;
  /** All of it. */
  readonly bootstrap: Settings;
}

export interface EnvoyOptions {
  readonly version: EnvoyVersion;
  /** Where Portcullis answers: a port of 127.0.0.1 or the path of a unix socket. */
  readonly portcullis: number | string;
  readonly upstreamPort: number;
  /** 0 or left out: any free one. */
  readonly listenPort?: number;
  readonly edit?: (parts: EnvoyParts) => void;
  /** Its own worker threads; 1 unless a test says otherwise. */
  readonly concurrency?: number;
}

/** What Envoy has had to do with one of the sidecar's addresses. */
export interface EndpointLoad {
  /** Checks sent, second tries included. */
  readonly sent: number;
  /** Connections that are open, those of health checks aside. */
  readonly connections: number;
}

export interface EnvoyProcess {
  /** Where it listens for calls; without a slash at its end. */
  readonly url: string;
  readonly port: number;
  readonly adminUrl: string;
  readonly process: RunningProcess;
  /** The lines of its access log so far. */
  accessLog(): readonly Settings[];
  /** A counter or gauge by its full name; 0 when Envoy has none of that name. */
  stat(name: string): Promise<number>;
  /** By the ports of the endpoints of the cluster `portcullis`. */
  endpoints(): Promise<ReadonlyMap<number, EndpointLoad>>;
  stop(): Promise<void>;
}

interface Bootstrap {
  readonly admin: { address: unknown };
  readonly static_resources: {
    readonly listeners: [{ address: unknown; filter_chains: [{ filters: [{ typed_config: Settings }] }] }];
    readonly clusters: (Settings & { name: string; load_assignment: ClusterLoad })[];
  };
}

interface ClusterLoad {
  readonly endpoints: [{ lb_endpoints: [{ endpoint: { address: unknown } }, ...{ endpoint: { address: unknown } }[]] }];
}

/** Starts the Envoy that `make envoys` put into .cache/ and resolves once it takes calls. */
export async function startEnvoy(options: EnvoyOptions): Promise<EnvoyProcess> {
  const home = mkdtempSync(join(tmpdir(), "portcullis-envoy-"));
  const configFile = join(home, "envoy.json");
  const adminFile = join(home, "admin");
  const edit = (parts: EnvoyParts): void => {
    bePatient(parts.extAuthz);
    options.edit?.(parts);
  };
  writeFileSync(configFile, JSON.stringify(referenceConfig({ ...options, edit })));
  const program = resolve(".cache/envoy", options.version, "envoy");
  const flags = `-c ${configFile} --admin-address-path ${adminFile} --use-dynamic-base-id --concurrency ${options.concurrency ?? 1} --log-level error --file-flush-interval-msec 50`;
  const envoy = startProcess(program, flags.split(" "));
  const stop = async (): Promise<void> => {
    await envoy.stop();
    rmSync(home, { recursive: true, force: true });
  };
  try {
    const adminUrl = await readyAt(envoy, adminFile);
    const port = await listenerPort(adminUrl);
    return {
      url: `http://127.0.0.1:${port}`,
      port,
      adminUrl,
      process: envoy,
      accessLog: () => jsonLines(envoy.output()),
      stat: (name) => readStat(adminUrl, name),
      endpoints: () => readEndpoints(adminUrl),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** On a busy machine a Check may take longer than the 0.25 s of the reference; no test here is about that time. */
function bePatient(extAuthz: Settings): void {
  const service = extAuthz["grpc_service"] as { timeout: string; retry_policy: { retry_back_off: Settings } };
  service.timeout = "1s";
  service.retry_policy.retry_back_off["max_interval"] = "1s";
}

/** The reference configuration with the ports of `options`, as Envoy takes it (JSON). */
export function referenceConfig(options: Omit<EnvoyOptions, "version">): Settings {
  const config = parse(readFileSync(resolve("envoy/envoy.yaml"), "utf8")) as Bootstrap;
  const [listener] = config.static_resources.listeners;
  config.admin.address = onLoopback(0);
  listener.address = onLoopback(options.listenPort ?? 0);
  const { portcullis } = options;
  const portcullisAddress = typeof portcullis === "string" ? { pipe: { path: portcullis } } : onLoopback(portcullis);
  const portcullisCluster = pointCluster(config, "portcullis", portcullisAddress);
  pointCluster(config, "upstream", onLoopback(options.upstreamPort));
  const connectionManager = listener.filter_chains[0].filters[0].typed_config;
  const filters = connectionManager["http_filters"] as readonly { name: string; typed_config: Settings }[];
  const extAuthz = filters.find(({ name }) => name === "envoy.filters.http.ext_authz")?.typed_config;
  if (extAuthz === undefined) throw new Error("envoy/envoy.yaml has no ext_authz filter");
  const bootstrap = config as unknown as Settings;
  options.edit?.({ connectionManager, extAuthz, portcullisCluster, bootstrap });
  return bootstrap;
}

function onLoopback(port: number): Settings {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}

function pointCluster(config: Bootstrap, name: string, address: Settings): Settings {
  const cluster = config.static_resources.clusters.find((candidate) => candidate.name === name);
  if (cluster === undefined) throw new Error(`envoy/envoy.yaml has no cluster ${name}`);
  cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address = address;
  return cluster;
}

/** Adds a further sidecar, at a port of 127.0.0.1, to `portcullisCluster`. */
export function addEndpoint(cluster: Settings, port: number): void {
  const load = cluster["load_assignment"] as ClusterLoad;
  load.endpoints[0].lb_endpoints.push({ endpoint: { address: onLoopback(port) } });
}

/** The URL of its admin interface, once that says that it takes calls. */
async function readyAt(envoy: RunningProcess, adminFile: string): Promise<string> {
  const ready = async (): Promise<string | undefined> => {
    // Read each time: the file is there a moment before its content is.
    const adminUrl = `http://${readFileSync(adminFile, "utf8")}`;
    return (await fetch(`${adminUrl}/ready`)).ok ? adminUrl : undefined;
  };
  return until("a ready Envoy", ready, 15_000).catch((cause: unknown) => {
    throw new Error(`Envoy (ended: ${envoy.ended()}) did not become ready; it wrote:\n${envoy.output()}`, { cause });
  });
}

async function listenerPort(adminUrl: string): Promise<number> {
  const response = await fetch(`${adminUrl}/listeners?format=json`);
  const body = (await response.json()) as {
    listener_statuses: [{ local_address: { socket_address: { port_value: number } } }];
  };
  return body.listener_statuses[0].local_address.socket_address.port_value;
}

async function readStat(adminUrl: string, name: string): Promise<number> {
  const response = await fetch(`${adminUrl}/stats?format=json&filter=^${name.replaceAll(".", "\\.")}$`);
  const body = (await response.json()) as { stats: readonly { name: string; value: number }[] };
  return body.stats.find((stat) => stat.name === name)?.value ?? 0;
}

interface HostStatus {
  readonly address: { readonly socket_address: { readonly port_value: number } };
  readonly stats: readonly { readonly name: string; readonly value?: string }[];
}

async function readEndpoints(adminUrl: string): Promise<ReadonlyMap<number, EndpointLoad>> {
  const { cluster_statuses: clusters } = (await (await fetch(`${adminUrl}/clusters?format=json`)).json()) as {
    readonly cluster_statuses: readonly { readonly name: string; readonly host_statuses: readonly HostStatus[] }[];
  };
  const hosts = clusters.find(({ name }) => name === "portcullis")?.host_statuses ?? [];
  return new Map(
    hosts.map(({ address, stats }) => {
      const stat = (name: string): number => Number(stats.find((each) => each.name === name)?.value ?? 0); // 0 is left out
      return [address.socket_address.port_value, { sent: stat("rq_total"), connections: stat("cx_active") }];
    }),
  );
}

function jsonLines(output: string): readonly Settings[] {
  return output
    .slice(0, output.lastIndexOf("\n") + 1) // the last line may not be whole yet
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Settings);
}
