// Real Envoys on what docs/deployment.md and deploy/istio tell theirs: the reference with the cluster of a shared service, and
// the little that Istio makes by itself with our patches merged into it. They are read, not run.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { ENVOY_VERSIONS, type EnvoyVersion } from "../support/envoy.ts";

type Settings = Record<string, unknown>;

interface Filter {
  name: string;
  typed_config: Settings;
}

interface Config {
  static_resources: {
    listeners: { filter_chains: { filters: Filter[] }[] }[];
    clusters: Settings[];
  };
}

interface Patch {
  readonly applyTo: string;
  readonly patch: { readonly value: Settings };
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "portcullis-validate-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function validate(version: EnvoyVersion, config: Config): { readonly ok: boolean; readonly output: string } {
  const file = join(folder, `${version}.json`);
  writeFileSync(file, JSON.stringify(config));
  const program = resolve(".cache/envoy", version, "envoy");
  const { status, stdout, stderr } = spawnSync(program, ["--mode", "validate", "-c", file], { encoding: "utf8" });
  return { ok: status === 0, output: stdout + stderr };
}

function reference(): Config {
  return parse(readFileSync("envoy/envoy.yaml", "utf8")) as Config;
}

function portcullisCluster(config: Config): Settings {
  const found = config.static_resources.clusters.find(({ name }) => name === "portcullis");
  if (found === undefined) throw new Error("the reference has no cluster of that name");
  return found;
}

/** As a protobuf merge does for what stands here: objects field by field, anything else replaced. */
function merge(into: Settings, from: Settings): void {
  for (const [key, value] of Object.entries(from)) {
    const old = into[key];
    if (isSettings(old) && isSettings(value)) merge(old, value);
    else into[key] = value;
  }
}

function isSettings(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The reference, with what Istio would have made by itself in the place of our own settings, and the patches upon it. */
function patched(patches: readonly Patch[]): Config {
  const config = reference();
  const manager = config.static_resources.listeners[0]?.filter_chains[0]?.filters[0];
  const filters = manager?.typed_config["http_filters"] as Filter[];
  const [authz] = filters;
  if (manager === undefined || authz === undefined) throw new Error("the reference has no filters");
  manager.typed_config = {
    "@type": manager.typed_config["@type"],
    stat_prefix: "outbound",
    use_remote_address: true,
    http_filters: filters,
    route_config: {
      virtual_hosts: [
        { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "upstream" } }] },
      ],
    },
  };
  authz.typed_config = {
    "@type": authz.typed_config["@type"],
    transport_api_version: "V3",
    status_on_error: { code: "ServiceUnavailable" },
    grpc_service: { envoy_grpc: { cluster_name: "portcullis" }, timeout: "0.25s" },
  };
  const targets: Readonly<Record<string, Settings>> = {
    HTTP_FILTER: authz as unknown as Settings,
    NETWORK_FILTER: manager as unknown as Settings,
    CLUSTER: portcullisCluster(config),
  };
  for (const { applyTo, patch } of patches) merge(targets[applyTo] ?? {}, patch.value);
  return config;
}

function istioPatches(): readonly Patch[] {
  const documents = parseAllDocuments(readFileSync("deploy/istio/guard.yaml", "utf8")).map(
    (one) => one.toJS() as { kind: string; spec: { configPatches: Patch[] } },
  );
  return documents.find(({ kind }) => kind === "EnvoyFilter")?.spec.configPatches ?? [];
}

describe.each(ENVOY_VERSIONS)("Envoy %s", (version) => {
  test("takes the reference with the cluster of a shared service", () => {
    const [, block = ""] =
      /```yaml\n(type: STRICT_DNS\n[^]*?)```/.exec(readFileSync("docs/deployment.md", "utf8")) ?? [];
    const config = reference();
    merge(portcullisCluster(config), parse(block) as Settings);
    expect(portcullisCluster(config)["type"]).toBe("STRICT_DNS");
    const { ok, output } = validate(version, config);
    expect(ok, output).toBe(true);
  });

  test("takes what Istio makes, with our patches", () => {
    expect(istioPatches().map(({ applyTo }) => applyTo)).toEqual(["HTTP_FILTER", "NETWORK_FILTER", "CLUSTER"]);
    const { ok, output } = validate(version, patched(istioPatches()));
    expect(ok, output).toBe(true);
  });

  test("would not take a patch with a field that it does not know", () => {
    const wrong = { applyTo: "HTTP_FILTER", patch: { value: { typed_config: { encode_raw_header: true } } } };
    const { ok, output } = validate(version, patched([...istioPatches(), wrong]));
    expect(output).toContain("encode_raw_header");
    expect(ok).toBe(false);
  });
});
