// What is shipped for Kubernetes, held by the real tools: helm renders the chart, kubeconform knows every field of what comes
// out, our own loader reads the configuration in it, and no pod may more than it needs.
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { loadConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { createCertificate } from "../support/certificate.ts";

const TOOLS = resolve(".cache/deploy");
const CHART = "deploy/helm/portcullis";
const VALUES = globSync(`${CHART}/ci/*.yaml`).toSorted();
/** That the schemas are of. */
const KUBERNETES = ["--kube-version", "1.36.0"];
const ARE_BUILT = existsSync(`${TOOLS}/built`);
const WHY_SKIPPED = ARE_BUILT ? "" : " (skipped: Go was missing when scripts/install-deploy-tools ran)";

interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

interface Container {
  readonly args: readonly string[];
  readonly securityContext: object;
  readonly resources: { readonly limits: object };
  readonly volumeMounts: readonly { readonly mountPath: string; readonly readOnly?: boolean }[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly automountServiceAccountToken: boolean;
        readonly securityContext: object;
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly Container[];
      };
    };
  };
}

function run(tool: string, args: readonly string[], input = ""): Outcome {
  const { status, stdout, stderr } = spawnSync(join(TOOLS, tool), args, { encoding: "utf8", input });
  return { ok: status === 0, output: stdout + stderr };
}

function render(...args: readonly string[]): Outcome {
  return run("helm", ["template", "portcullis", CHART, "--namespace", "portcullis", ...KUBERNETES, ...args]);
}

function conform(manifests: string): Outcome {
  const location = `${TOOLS}/schemas/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json`;
  return run("kubeconform", ["-strict", "-summary", "-schema-location", location, "-"], manifests);
}

function manifestsOf(text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((document) =>
    document.contents === null ? [] : [document.toJS() as Manifest],
  );
}

describe.skipIf(!ARE_BUILT)(`helm and kubeconform${WHY_SKIPPED}`, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "portcullis-deploy-"));
    const { certificatePem, privateKeyPem } = createCertificate();
    const files = {
      "redis/url": "redis://redis.example.com:6379/0",
      "redis/redis-url": "rediss://redis.example.com:6380/0",
      "report/token": "a-token-of-the-sidecars",
      "record/url": "postgres://record.example.com/portcullis",
      "tls/tls.crt": certificatePem,
      "tls/tls.key": privateKeyPem,
      "control-tls/tls.crt": certificatePem,
      "control-tls/tls.key": privateKeyPem,
    };
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(name)), { recursive: true });
      writeFileSync(join(folder, name), text, { mode: 0o600 });
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.each(VALUES)("%s", (values) => {
    const text = ARE_BUILT ? render("--values", values).output : "";

    test("passes helm's lint, and every field of what it renders is known", () => {
      expect(run("helm", ["lint", "--strict", ...KUBERNETES, CHART, "--values", values])).toMatchObject({ ok: true });
      const conformed = conform(text);
      expect(conformed.ok, conformed.output).toBe(true);
      expect(conformed.output).toMatch(/Valid: [1-9]\d*, Invalid: 0, Errors: 0, Skipped: 0/);
    });

    test("renders configurations that load without a problem", () => {
      const files = manifestsOf(text).flatMap(({ data }) => Object.values(data ?? {}));
      expect(files.length).toBeGreaterThanOrEqual(2);
      for (const file of files) {
        const here = file.replaceAll("/etc/portcullis", folder);
        const loaded = loadConfig("portcullis.yaml", here, {
          CONTROL_TOKEN_0_SHA256: "a".repeat(64),
          CONTROL_TOKEN_1_SHA256: "b".repeat(64),
        });
        expect(loaded.ok ? "" : loaded.error.map(formatProblem)).toBe("");
      }
    });

    test("gives no pod a right that it does not need, and time to drain", () => {
      const pods = manifestsOf(text).flatMap(({ kind, spec }) => (kind === "Deployment" ? [spec.template.spec] : []));
      expect(pods).not.toEqual([]);
      for (const pod of pods) {
        expect(pod.automountServiceAccountToken).toBe(false);
        expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
        expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(15);
        for (const container of pod.containers) {
          expect(container.securityContext).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          });
          expect(container.volumeMounts.filter(({ readOnly }) => readOnly !== true)).toEqual([]);
          expect(container.resources.limits).toHaveProperty("memory");
        }
      }
    });

    test("mounts every file that a configuration of a pod names", () => {
      const manifests = manifestsOf(text);
      for (const { metadata, spec } of manifests.filter(({ kind }) => kind === "Deployment")) {
        const config = manifests.find((one) => one.kind === "ConfigMap" && one.metadata.name === metadata.name);
        const named = (config?.data?.["portcullis.yaml"] ?? "").match(/\/etc\/portcullis\/\S+/g) ?? [];
        const mounts = spec.template.spec.containers.flatMap(({ volumeMounts }) => volumeMounts);
        expect(named).not.toEqual([]);
        expect(named.filter((file) => !mounts.some(({ mountPath }) => dirname(file) === mountPath))).toEqual([]);
      }
    });

    test("makes no secret of its own", () => {
      expect(manifestsOf(text).filter(({ kind }) => kind === "Secret")).toEqual([]);
    });
  });

  test("a sidecar's configuration is put where its Envoys are, and no service of its own", () => {
    const manifests = manifestsOf(render("--values", `${CHART}/ci/sidecar-values.yaml`).output);
    const homes = manifests.filter(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === "portcullis");
    expect(homes.map(({ metadata }) => metadata.namespace)).toEqual(["istio-ingress", "envoy-gateway-system"]);
    const deployments = manifests.filter(({ kind }) => kind === "Deployment");
    expect(deployments.map(({ metadata }) => metadata.name)).toEqual(["portcullis-control"]);
  });

  describe("workers", () => {
    const addressesIn = (manifests: readonly Manifest[], name: string): readonly string[] => {
      const found = manifests.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === name);
      const { listen, workers } = parse(found?.data?.["portcullis.yaml"] ?? "") as {
        listen: { grpc: string[] };
        workers: number;
      };
      expect(listen.grpc).toHaveLength(workers);
      return listen.grpc;
    };
    const portsIn = (text: string, pattern: RegExp): readonly string[] =>
      [...text.matchAll(pattern)].map(([, port]) => `0.0.0.0:${port}`);

    test("have a port each, which the pods, the services and the network policy name", () => {
      const { output } = render("--values", `${CHART}/ci/workers-values.yaml`, "--set", "workers=3");
      const addresses = addressesIn(manifestsOf(output), "portcullis");
      expect(addresses).toEqual(["0.0.0.0:9001", "0.0.0.0:9011", "0.0.0.0:9021"]);
      expect(portsIn(output, /\{ name: grpc\S*, containerPort: (\d+) \}/g)).toEqual(addresses);
      expect(portsIn(output, /\{ name: (?:grpc\S*), port: (\d+), .*appProtocol/g)).toEqual(addresses);
      expect(portsIn(output, /\{ name: (?:grpc\S*), port: (\d+), targetPort: \S+ \}/g)).toEqual(addresses);
      expect(portsIn(output, /\{ port: (90\d1), protocol: TCP \}/g)).toEqual(addresses);
    });

    /** The manifest with what two workers need, which stands there behind a `#`. */
    const forTwo = (file: string): string => {
      const right = readFileSync(file, "utf8");
      const text = right.replace(/# (?=- .*(?:9011|authz-2))/, "");
      expect(text).not.toBe(right);
      return text;
    };

    test.each([
      ["tcp", "deploy/istio/sidecar/service-entry.yaml", /address: (127\.0\.0\.1), ports: \{ grpc: (\d+) \}/g],
      ["unix", "deploy/envoy-gateway/sidecar/proxy.yaml", /- (unix): \{ path: (\S+) \}/g],
    ])("beside an Envoy are where it is told that they are: %s, %s", (listen, file, pattern) => {
      const set = ["--set", `workers=2,sidecar.listen=${listen}`];
      const { output } = render("--values", `${CHART}/ci/sidecar-values.yaml`, ...set);
      const told = [...forTwo(file).matchAll(pattern)].map(([, first, second]) => `${first}:${second}`);
      expect(told).toHaveLength(2);
      expect(told).toEqual(addressesIn(manifestsOf(output), "portcullis"));
      expect(conform(forTwo(file)).ok).toBe(true);
    });

    test.each([
      ["deploy/envoy-gateway/guard.yaml", forTwo, /namespace: portcullis, port: (\d+) \}/g],
      ["deploy/istio/workers.yaml", (file: string) => readFileSync(file, "utf8"), /ports: \{ grpc: (\d+) \}/g],
    ])("of a service are all asked: %s", (file, read, pattern) => {
      const { output } = render("--values", `${CHART}/ci/workers-values.yaml`);
      expect(portsIn(read(file), pattern)).toEqual(addressesIn(manifestsOf(output), "portcullis"));
      expect(conform(read(file)).ok).toBe(true);
    });

    test("are no more than the sidecar takes, and listen where they can", () => {
      for (const setting of ["workers=0", "workers=17", "sidecar.listen=both"]) {
        expect(render("--values", `${CHART}/ci/workers-values.yaml`, "--set", setting).ok).toBe(false);
      }
    });
  });

  test.each([
    ["config.issuers=null", "config.issuers: whose tokens are trusted?"],
    ["image.repository=", "image.repository: build the Dockerfile"],
    ["redis.existingSecret=", "redis.existingSecret: a Secret with the Redis URL"],
    ["control.redis.existingSecret=", "control.redis.existingSecret: a Secret"],
    ["redis.password=hunter2", "additional properties 'password' not allowed"],
    ["mode=both", "value must be one of"],
  ])("values that can't work are refused, and it is said why: %s", (setting, why) => {
    const { ok, output } = render("--values", `${CHART}/ci/service-values.yaml`, "--set", setting);
    expect(output).toContain(why);
    expect(ok).toBe(false);
  });

  test.each(["tls.existingSecret=portcullis-tls", "control.reportToken.existingSecret=portcullis-report"])(
    "what an injected container has no file for is refused: %s",
    (setting) => {
      const { ok, output } = render("--values", `${CHART}/ci/sidecar-values.yaml`, "--set", setting);
      expect(output).toContain(setting.split(".existingSecret")[0]);
      expect(ok).toBe(false);
    },
  );

  const MANIFESTS = [
    "deploy/istio/guard.yaml",
    "deploy/istio/sidecar/service-entry.yaml",
    "deploy/istio/workers.yaml",
    ...globSync("deploy/envoy-gateway/**/*.yaml"),
  ];
  test.each(MANIFESTS)("every field of %s is known to the schemas of Istio or Envoy Gateway", (file) => {
    const { ok, output } = conform(readFileSync(file, "utf8"));
    expect(ok, output).toBe(true);
    expect(output).toMatch(/Valid: [1-9]\d*, Invalid: 0, Errors: 0, Skipped: 0/);
  });

  test.each([
    ["deploy/istio/guard.yaml", "provider: { name: portcullis }", "provider: { named: portcullis }"],
    ["deploy/envoy-gateway/guard.yaml", "failOpen: false", "failopen: false"],
  ])("a misspelt field of %s would be noticed", (file, text, other) => {
    const right = readFileSync(file, "utf8");
    expect(right).toContain(text);
    expect(conform(right.replace(text, other)).ok).toBe(false);
  });

  test("the container that Istio injects is a pod's", () => {
    const values = parse(readFileSync("deploy/istio/sidecar/istiod-values.yaml", "utf8")) as {
      sidecarInjectorWebhook: { templates: { portcullis: string } };
    };
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "pod" } };
    const injected = parse(values.sidecarInjectorWebhook.templates.portcullis) as object;
    const { ok, output } = conform(JSON.stringify({ ...pod, ...injected }));
    expect(ok, output).toBe(true);
  });

  test("the container that Envoy Gateway adds is a pod's", () => {
    const [proxy] = manifestsOf(
      readFileSync("deploy/envoy-gateway/sidecar/proxy.yaml", "utf8"),
    ) as unknown as readonly [
      {
        spec: {
          provider: {
            kubernetes: {
              envoyDeployment: { patch: { value: { spec: { template: object } } }; pod: { volumes: unknown } };
            };
          };
        };
      },
    ];
    const { patch, pod } = proxy.spec.provider.kubernetes.envoyDeployment;
    const { spec } = patch.value.spec.template as { spec: object };
    const manifest = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: basename(CHART) },
      spec: { ...spec, volumes: pod.volumes },
    };
    const { ok, output } = conform(JSON.stringify(manifest));
    expect(ok, output).toBe(true);
  });
});
