// What the doctor says of a dumped Envoy configuration: nothing of the reference, and of each fault its own rule.
import { describe, expect, test } from "vitest";
import { diagnose, RULES, type Diagnosis } from "../../../src/doctor/diagnose.ts";
import { readEnvoyConfig } from "../../../src/doctor/envoy-config.ts";
import { sidecarFacts } from "../../../src/doctor/sidecar-facts.ts";
import { dumpOf, type DumpOptions } from "../../support/envoy-dump.ts";
import { ENVOY_FAULTS, setting } from "../../support/envoy-faults.ts";
import type { Settings } from "../../support/envoy.ts";

const IDENTITY = ["x-auth-subject", "x-auth-scope"];
const FACTS = sidecarFacts(IDENTITY, 150, 4096);
const ADMIN = "type.googleapis.com/envoy.admin.v3";

function diagnosisOf(dump: unknown, facts = FACTS): Diagnosis {
  const config = readEnvoyConfig(dump);
  if (!config.ok) throw new Error(config.error);
  return diagnose(config.value, facts);
}

const rulesOf = (options: DumpOptions, facts = FACTS): readonly string[] =>
  diagnosisOf(dumpOf(options), facts).findings.map(({ rule }) => rule);

test("the reference configuration has nothing to say against it", () => {
  expect(diagnosisOf(dumpOf())).toEqual({ version: "1.40.0", managerCount: 1, guardedCount: 1, findings: [] });
});

test.each(ENVOY_FAULTS.map((fault, i) => ({ ...fault, i })))(
  "finds $rule and nothing else ($i)",
  ({ rule, also, edit }) => {
    expect(rulesOf({ edit })).toEqual([rule, ...(also === undefined ? [] : [also])]);
  },
);

test("there is a fault for each rule", () => {
  const byVersion = ["version-appends", "version-old"];
  const byNeed = ["certificate-missing", "metadata-not-sent"];
  const byAddress = ["worker-without-endpoint", "endpoint-without-sidecar"];
  const shown = new Set<string>([...ENVOY_FAULTS.map(({ rule }) => rule), ...byVersion, ...byNeed, ...byAddress]);
  expect(Object.keys(RULES).filter((rule) => !shown.has(rule))).toEqual([]);
  expect(rulesOf({ version: [1, 37, 0] })).toEqual(["version-appends"]);
  expect(rulesOf({ version: [1, 35, 3] })).toEqual(["version-old"]);
  expect([
    ...rulesOf({ version: [1, 36, 0] }),
    ...rulesOf({ version: [1, 37, 1] }),
    ...rulesOf({ version: [2, 0, 0] }),
  ]).toEqual([]);
});

test("what the sidecar's tokens need, Envoy must send", () => {
  const namespace = "envoy.filters.http.jwt_authn";
  const needs = { certificates: "required", metadataNamespaces: [namespace], proofs: true } as const;
  const facts = sidecarFacts(IDENTITY, 150, 4096, needs);
  expect(rulesOf({}, facts)).toEqual(["certificate-missing", "metadata-not-sent"]);
  const edit: DumpOptions["edit"] = ({ extAuthz }) => {
    extAuthz["include_peer_certificate"] = true;
    extAuthz["metadata_context_namespaces"] = [namespace];
  };
  expect(rulesOf({ edit }, facts)).toEqual([]);
  const hiding: DumpOptions["edit"] = (parts) => {
    edit(parts);
    parts.extAuthz["disallowed_headers"] = { patterns: [{ exact: "dpop" }] };
  };
  expect(rulesOf({ edit: hiding }, facts)).toEqual(["headers-hidden"]);
});

describe("the addresses of the sidecar", () => {
  const tcp = (host: string, port: number) => ({ host, port });
  const [first, second] = [tcp("127.0.0.1", 9001), tcp("127.0.0.1", 9011)];
  const socket = { path: "/run/authz.sock" };
  type Listened = typeof first | typeof socket;
  const answering = (workerCount: number, addresses: readonly Listened[]) =>
    sidecarFacts(IDENTITY, 150, 4000, undefined, { workerCount, addresses });
  const listing = (endpoints: readonly Listened[]): DumpOptions => ({
    edit: ({ portcullisCluster }) => {
      const lb_endpoints = endpoints.map((of) => ({
        endpoint: {
          address: "path" in of ? { pipe: of } : { socket_address: { address: of.host, port_value: of.port } },
        },
      }));
      portcullisCluster["load_assignment"] = { cluster_name: "portcullis", endpoints: [{ lb_endpoints }] };
      portcullisCluster["transport_socket"] = {}; // nothing is said of endpoints elsewhere
    },
  });

  test.each<[string, readonly Listened[], readonly Listened[]]>([
    ["all of them", [first, second], [first, second]],
    ["sockets", [socket, { path: "/run/authz-2.sock" }], [{ path: "/run/authz-2.sock" }, socket]],
    ["every address of the machine", [tcp("0.0.0.0", 9001), tcp("::", 9011)], [first, tcp("::1", 9011)]],
    ["a name of it", [first, second], [tcp("localhost", 9001), tcp("localhost", 9011)]],
    [
      "other machines, of which the ports are told",
      [tcp("0.0.0.0", 9001), tcp("0.0.0.0", 9011)],
      [tcp("pods", 9001), tcp("pods", 9011)],
    ],
    ["ports that a Service has changed on the way", [tcp("0.0.0.0", 9001), tcp("0.0.0.0", 9011)], [tcp("authz", 443)]],
    [
      "any free ports",
      [tcp("127.0.0.1", 0), tcp("127.0.0.1", 0)],
      [tcp("127.0.0.1", 40_001), tcp("127.0.0.1", 40_002)],
    ],
    ["none that the dump tells", [first, second], []],
  ])("are right: %s", (_, addresses, endpoints) => {
    expect(rulesOf(listing(endpoints), answering(2, addresses))).toEqual([]);
  });

  test.each<[string, readonly Listened[], readonly string[]]>([
    ["the other worker is left out", [first], ["worker-without-endpoint"]],
    ["one of them is there twice", [first, first], ["worker-without-endpoint"]],
    ["a port is mistyped", [first, tcp("127.0.0.1", 9012)], ["worker-without-endpoint", "endpoint-without-sidecar"]],
    ["another host of this machine", [first, second, tcp("127.0.0.2", 9011)], ["endpoint-without-sidecar"]],
    ["a socket where there is none", [first, second, socket], ["endpoint-without-sidecar"]],
  ])("are wrong: %s", (_, endpoints, rules) => {
    expect(rulesOf(listing(endpoints), answering(2, [first, second]))).toEqual(rules);
  });

  test("are told with what is missing and what is strange", () => {
    const dump = dumpOf(listing([first, tcp("::1", 9011)]));
    expect(diagnosisOf(dump, answering(2, [first, second])).findings).toMatchObject([
      { where: "cluster portcullis", found: "workers: 2, and no endpoint 127.0.0.1:9011" },
      { where: "cluster portcullis", found: "[::1]:9011" },
    ]);
  });

  test("need not all be listed where one thread answers at them", () => {
    expect(rulesOf(listing([first]), answering(1, [first, socket]))).toEqual([]);
  });

  test("count for the calls that may be under way at once", () => {
    expect(
      rulesOf(
        listing([first, second]),
        sidecarFacts(IDENTITY, 150, 4096, undefined, { workerCount: 2, addresses: [first, second] }),
      ),
    ).toEqual(["cluster-limits"]);
  });
});

test("unsafe comes first, then slow, then what is worth a look", () => {
  const edit: DumpOptions["edit"] = (parts) => {
    for (const { rule, edit: one } of ENVOY_FAULTS)
      if (["status-on-error", "timeout-long", "failure-mode-allow"].includes(rule)) one(parts);
  };
  const severities = diagnosisOf(dumpOf(edit === undefined ? {} : { edit })).findings.map(({ severity }) => severity);
  expect(severities).toEqual(["unsafe", "slow", "note"]);
});

describe("what is not a fault", () => {
  test.each<[string, Settings]>([
    [
      "calls that are refused instead of let by",
      {
        filter_enabled: { default_value: { numerator: 50 } },
        deny_at_disable: { default_value: true, runtime_key: "x" },
      },
    ],
    [
      "a whole share, in millionths",
      { filter_enabled: { default_value: { numerator: 1_000_000, denominator: "MILLION" } } },
    ],
    ["allowed headers that leave nothing out", { allowed_headers: { patterns: [{ prefix: "" }] } }],
    ["a cookie that is not sent", { disallowed_headers: { patterns: [{ exact: "COOKIE", ignore_case: true }] } }],
    ["another code of a server's own fault", { status_on_error: { code: "BadGateway" } }],
  ])("%s", (_, settings) => {
    expect(rulesOf({ edit: ({ extAuthz }) => void Object.assign(extAuthz, settings) })).toEqual([]);
  });

  test("a route that Envoy answers itself, unguarded", () => {
    const route = {
      name: "alive",
      match: { path: "/alive" },
      direct_response: { status: 200 },
      typed_per_filter_config: {
        "envoy.filters.http.ext_authz": {
          "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
          disabled: true,
        },
      },
    };
    const edit: DumpOptions["edit"] = ({ connectionManager }) => {
      const [host] = (connectionManager["route_config"] as { virtual_hosts: [{ routes: unknown[] }] }).virtual_hosts;
      host.routes.unshift(route);
    };
    expect(rulesOf({ edit })).toEqual([]);
  });

  test("a listener for the calls of a mesh's own programs", () => {
    const edit: DumpOptions["edit"] = ({ bootstrap }) => {
      const { listeners } = bootstrap["static_resources"] as { listeners: Settings[] };
      const copy = structuredClone(listeners[0] ?? {});
      const [chain] = copy["filter_chains"] as [{ filters: [{ typed_config: { http_filters: Settings[] } }] }];
      chain.filters[0].typed_config.http_filters.shift();
      listeners.push({ ...copy, name: "out", traffic_direction: "OUTBOUND" });
    };
    expect(rulesOf({ edit })).toEqual([]);
  });
});

test("the sidecar's own headers, deadline and limits are what is held against it", () => {
  const facts = sidecarFacts(["X-User"], 400, 10_000);
  expect(rulesOf({}, facts)).toEqual(["timeout-short", "cluster-limits"]);
  const edit: DumpOptions["edit"] = ({ connectionManager }) =>
    setting("request_headers_to_remove", ["x-user"])(connectionManager["route_config"] as Settings);
  expect(rulesOf({ edit }, facts)).toContain("identity-overwritten");
  expect(rulesOf({ edit })).toEqual([]);
});

describe("what comes by xDS", () => {
  const part = (name: string, fields: Settings): Settings => ({ "@type": `${ADMIN}.${name}`, ...fields });

  test("a listener, active or warming", () => {
    const bad = dumpOf({ edit: ({ extAuthz }) => setting("failure_mode_allow", true)(extAuthz) });
    const { configs } = bad as { configs: [Settings, { static_listeners: [{ listener: Settings }] }] };
    for (const state of ["active_state", "warming_state"]) {
      const dynamic = {
        dynamic_listeners: [{ name: "l", [state]: { listener: configs[1].static_listeners[0].listener } }],
      };
      const dump = { configs: [configs[0], part("ListenersConfigDump", dynamic), ...(configs as Settings[]).slice(2)] };
      expect(diagnosisOf(dump).findings.map(({ rule }) => rule)).toEqual(["failure-mode-allow"]);
    }
    const draining = { dynamic_listeners: [{ draining_state: { listener: configs[1].static_listeners[0].listener } }] };
    const dump = { configs: [configs[0], part("ListenersConfigDump", draining)] };
    expect(diagnosisOf(dump).findings.map(({ rule }) => rule)).toEqual(["no-guard"]);
  });

  const guardAsTypedStruct = {
    "@type": "type.googleapis.com/xds.type.v3.TypedStruct",
    type_url: "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
    value: { failureModeAllow: true, transportApiVersion: "V3" },
  };

  test("a filter that its sender wrote as a TypedStruct, in camelCase", () => {
    const edit: DumpOptions["edit"] = ({ connectionManager }) =>
      setting("typed_config", guardAsTypedStruct)((connectionManager["http_filters"] as [Settings])[0]);
    const rules = rulesOf({ edit });
    expect(rules).toContain("failure-mode-allow");
    expect(rules).not.toContain("transport-version");
  });

  test("a filter by ECDS, under the name that the listener gives it", () => {
    const edit: DumpOptions["edit"] = ({ connectionManager }) => {
      const filters = connectionManager["http_filters"] as Settings[];
      filters[0] = { name: "guard", config_discovery: { type_urls: ["…ExtAuthz"] } };
    };
    expect(rulesOf({ edit })).toEqual(["no-guard"]);
    const ecds_filters = [{ ecds_filter: { name: "guard", typed_config: guardAsTypedStruct } }];
    const found = diagnosisOf(dumpOf({ edit, parts: [part("EcdsConfigDump", { ecds_filters })] })).findings;
    expect(found.map(({ rule }) => rule)).toContain("failure-mode-allow");
    expect(found[0]?.where).toBe("listener ingress, filter guard");
  });

  test.each<[string, Settings]>([
    ["rds", { route_config_name: "main" }],
    ["scoped_routes", { name: "scopes", scoped_rds: {} }],
  ])("routes by %s", (field, settings) => {
    const edit: DumpOptions["edit"] = ({ connectionManager }) => {
      delete connectionManager["route_config"];
      connectionManager[field] = settings;
    };
    const route_config = {
      name: "main",
      virtual_hosts: [{ name: "all", request_headers_to_add: [{ header: { key: "x-auth-scope", value: "admin" } }] }],
    };
    const parts = [part("RoutesConfigDump", { dynamic_route_configs: [{ route_config }] })];
    const { findings } = diagnosisOf(dumpOf({ edit, parts }));
    expect(findings).toMatchObject([
      { rule: "identity-overwritten", where: "listener ingress, routes main, host all" },
    ]);
  });
});

describe("what is no dump, or a strange one", () => {
  test.each([[null], [1], ["x"], [[]], [{}], [{ configs: 1 }], [{ configs: [null, 1, { "@type": 7 }] }]])(
    "%j",
    (dump) => {
      expect(readEnvoyConfig(dump)).toEqual({ ok: false, error: "it has no part `BootstrapConfigDump`" });
    },
  );

  test("has nothing that guards it when it has nothing", () => {
    const dump = { configs: [{ "@type": `${ADMIN}.BootstrapConfigDump` }] };
    expect(diagnosisOf(dump)).toMatchObject({ version: undefined, managerCount: 0, findings: [{ rule: "no-guard" }] });
  });

  test("survives settings of the wrong type and any depth", () => {
    let deep: unknown = {};
    for (let i = 0; i < 100_000; i++) deep = { deep };
    const edit: DumpOptions["edit"] = ({ connectionManager, extAuthz, portcullisCluster }) => {
      Object.assign(extAuthz, { timeout: [], grpc_service: 7, allowed_headers: "x", status_on_error: null });
      Object.assign(portcullisCluster, { circuit_breakers: true, load_assignment: [] });
      (connectionManager["http_filters"] as unknown[]).push(null, 5, { typed_config: deep }, { name: 3 });
      connectionManager["route_config"] = { virtual_hosts: [{ routes: [null, 1, { match: deep }] }] };
    };
    expect(rulesOf({ edit })).toContain("status-on-error");
  });
});
