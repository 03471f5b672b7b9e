// The doctor at real Envoys: the reference configuration is well, and each fault made in it is found.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { RULES } from "../../src/doctor/diagnose.ts";
import { runHere, type Outcome } from "../support/command.ts";
import { ENVOY_FAULTS, setting } from "../support/envoy-faults.ts";
import { ENVOY_VERSIONS, NEWEST_ENVOY, startEnvoy, type EnvoyParts, type Settings } from "../support/envoy.ts";

const folder = mkdtempSync(join(tmpdir(), "portcullis-doctor-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Report {
  readonly envoy: string;
  readonly guarded: number;
  readonly unsafe: number;
  readonly findings: readonly { readonly rule: string; readonly where: string; readonly found: string }[];
}

async function examined(
  edit: ((parts: EnvoyParts) => void) | undefined,
  version: (typeof ENVOY_VERSIONS)[number] = NEWEST_ENVOY,
): Promise<Outcome & { readonly report: Report }> {
  const ports = { portcullis: 9, upstreamPort: 9 };
  const envoy = await startEnvoy({ version, ...ports, ...(edit === undefined ? {} : { edit }) });
  try {
    const outcome = await runHere(["doctor", "--envoy", envoy.adminUrl, "--json"]);
    return { ...outcome, report: JSON.parse(outcome.out) as Report };
  } finally {
    await envoy.stop();
  }
}

test.each(ENVOY_VERSIONS)("Envoy %s on the reference configuration is safe: exit 0", async (version) => {
  const { code, err, report } = await examined(undefined, version);
  const known = version === "1.37.0" ? ["version-appends"] : [];
  expect({ code, err, rules: report.findings.map(({ rule }) => rule) }).toEqual({ code: 0, err: "", rules: known });
  expect(report).toMatchObject({ envoy: version, guarded: 1, unsafe: 0 });
});

test.each(ENVOY_FAULTS.filter(({ isImagined }) => isImagined !== true).map((fault, i) => ({ ...fault, i })))(
  "finds $rule, and nothing else ($i)",
  async ({ rule, also, edit }) => {
    const { code, report } = await examined(edit);
    expect(report.findings.map((finding) => finding.rule)).toEqual([rule, ...(also === undefined ? [] : [also])]);
    expect(code).toBe(RULES[rule].severity === "unsafe" ? 1 : 0);
  },
);

describe("what comes by xDS", () => {
  const asked = (file: string): Settings => ({ path_config_source: { path: file } });
  const write = (name: string, resource: object): string => {
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify({ version_info: "1", resources: [resource] }));
    return file;
  };

  test("is judged like what stands in the file: listeners, routes, and the guard itself", async () => {
    const { code, report } = await examined(({ bootstrap, connectionManager, extAuthz }) => {
      setting("failure_mode_allow", true)(extAuthz);
      const filters = connectionManager["http_filters"] as Settings[];
      const guard = write("ecds.json", {
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        name: "guard",
        typed_config: structuredClone(extAuthz),
      });
      filters[0] = {
        name: "guard",
        config_discovery: {
          config_source: asked(guard),
          type_urls: ["type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"],
        },
      };
      const routes = write("rds.json", {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        ...(connectionManager["route_config"] as Settings),
        name: "main",
        request_headers_to_remove: ["x-auth-subject"],
      });
      delete connectionManager["route_config"];
      connectionManager["rds"] = { route_config_name: "main", config_source: asked(routes) };
      delete connectionManager["normalize_path"];
      const resources = bootstrap["static_resources"] as { listeners: Settings[] };
      const listener = { "@type": "type.googleapis.com/envoy.config.listener.v3.Listener", ...resources.listeners[0] };
      bootstrap["dynamic_resources"] = { lds_config: asked(write("lds.json", listener)) };
      bootstrap["node"] = { id: "one", cluster: "one" };
      resources.listeners = [];
    });
    expect(code).toBe(1);
    expect(report.findings.map(({ rule, where }) => [rule, where])).toEqual([
      ["path-not-normalized", "listener ingress"],
      ["failure-mode-allow", "listener ingress, filter guard"],
      ["identity-overwritten", "listener ingress, routes main"],
    ]);
  });
});
