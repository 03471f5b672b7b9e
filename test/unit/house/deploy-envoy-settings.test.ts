// Holds what deploy/ makes Istio and Envoy Gateway tell their Envoys to envoy/envoy.yaml, which the tests run on real Envoys:
// the same settings, the same values.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";

type Settings = Readonly<Record<string, unknown>>;

interface Filter {
  readonly name: string;
  readonly typed_config: Settings;
}

interface EnvoyConfig {
  readonly static_resources: {
    readonly listeners: readonly { filter_chains: readonly { filters: readonly Filter[] }[] }[];
    readonly clusters: readonly (Settings & { readonly name: string })[];
  };
}

const reference = (parse(readFileSync("envoy/envoy.yaml", "utf8")) as EnvoyConfig).static_resources;
const [manager] = reference.listeners.flatMap(({ filter_chains }) => filter_chains.flatMap(({ filters }) => filters));
const managerSettings = manager?.typed_config ?? {};
const filters = managerSettings["http_filters"] as readonly Filter[];
const authz = filters.find(({ name }) => name === "envoy.filters.http.ext_authz")?.typed_config ?? {};
const cluster = reference.clusters.find(({ name }) => name === "portcullis") ?? { name: "" };

function manifest(file: string, kind: string): Settings {
  const documents = parseAllDocuments(readFileSync(file, "utf8")).map((one) => one.toJS() as Settings);
  const found = documents.find((one) => one["kind"] === kind);
  if (found === undefined) throw new Error(`${file} has no ${kind}`);
  return found["spec"] as Settings;
}

describe("Istio", () => {
  const patches = manifest("deploy/istio/guard.yaml", "EnvoyFilter")["configPatches"] as readonly {
    readonly applyTo: string;
    readonly patch: { readonly value: Settings };
  }[];
  const valueOf = (applyTo: string): Settings => patches.find((one) => one.applyTo === applyTo)?.patch.value ?? {};

  test("is told of the filter what the reference says", () => {
    const settings = valueOf("HTTP_FILTER")["typed_config"] as Settings;
    expect(Object.keys(settings).length).toBeGreaterThan(4);
    expect(authz).toMatchObject(settings);
  });

  test("is told of the connection manager what the reference says", () => {
    const settings = valueOf("NETWORK_FILTER")["typed_config"] as Settings;
    expect(Object.keys(settings).length).toBeGreaterThan(4);
    expect(managerSettings).toMatchObject(settings);
  });

  test("is told of the way to Portcullis what the reference says", () => {
    const settings = valueOf("CLUSTER");
    expect(Object.keys(settings)).toEqual(["connect_timeout", "health_checks"]);
    expect(cluster).toMatchObject(settings);
  });

  test.each(["deploy/istio/mesh-values.yaml", "deploy/istio/sidecar/istiod-values.yaml"])(
    "asks as the reference does, and opens no door: %s",
    (file) => {
      const { meshConfig } = parse(readFileSync(file, "utf8")) as { meshConfig: Settings };
      const [provider] = meshConfig["extensionProviders"] as readonly { name: string; envoyExtAuthzGrpc: Settings }[];
      const { timeout } = authz["grpc_service"] as Settings;
      expect(provider?.name).toBe("portcullis");
      expect(provider?.envoyExtAuthzGrpc).toMatchObject({ timeout, failOpen: false, statusOnError: "503", port: 9001 });
      expect(meshConfig["pathNormalization"]).toEqual({ normalization: "MERGE_SLASHES" });
    },
  );

  test("asks about every path", () => {
    const policy = manifest("deploy/istio/guard.yaml", "AuthorizationPolicy");
    expect(policy).toMatchObject({ action: "CUSTOM", provider: { name: "portcullis" }, rules: [{}] });
  });
});

describe("Envoy Gateway", () => {
  const file = "deploy/envoy-gateway/guard.yaml";

  test("is told by patches what the reference says", () => {
    const patches = manifest(file, "EnvoyPatchPolicy")["jsonPatches"] as readonly {
      readonly operation: { readonly jsonPath: string; readonly path: string; readonly value: unknown };
    }[];
    expect(patches.length).toBeGreaterThan(3);
    for (const { operation } of patches) {
      const isOfFilter = operation.jsonPath.includes("envoy.filters.http.ext_authz/securitypolicy/gateways/portcullis");
      const target = isOfFilter ? authz : (managerSettings["common_http_protocol_options"] as Settings);
      expect(target[operation.path.slice(1)], operation.path).toEqual(operation.value);
    }
  });

  test("opens no door, and sends every header", () => {
    const { extAuth } = manifest(file, "SecurityPolicy") as { extAuth: Settings };
    expect(extAuth).toMatchObject({ failOpen: false, statusOnError: 503, timeout: "250ms" });
    expect(extAuth).not.toHaveProperty("headersToExtAuth");
    expect(extAuth).not.toHaveProperty("bodyToExtAuth");
  });

  test("gives a path one meaning", () => {
    expect(manifest(file, "ClientTrafficPolicy")).toMatchObject({
      path: { escapedSlashesAction: "KeepUnchanged", disableMergeSlashes: false },
      headers: { withUnderscoresAction: "DropHeader" },
    });
  });
});
