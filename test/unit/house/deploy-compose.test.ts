// Holds docker-compose.yml and the Dockerfile to the tree, for no container engine runs them here: what is mounted and
// copied is there, what is configured loads, and nothing is open to other machines.
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { readConfig } from "../../../examples/identity-service/config.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { formatProblem } from "../../../src/config/problem.ts";

interface Service {
  readonly image?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}

const compose = parse(readFileSync("docker-compose.yml", "utf8"), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
};
const services = Object.entries(compose.services);
const dockerfile = readFileSync("Dockerfile", "utf8");

test("everything that is mounted from here is here, and cannot be written", () => {
  const mounts = services.flatMap(([, { volumes = [] }]) => volumes).filter((volume) => volume.startsWith("./"));
  expect(mounts.length).toBeGreaterThan(5);
  expect(mounts.filter((mount) => !existsSync(mount.split(":")[0] ?? ""))).toEqual([]);
  expect(mounts.filter((mount) => !mount.endsWith(":ro"))).toEqual([]);
});

test("every port is this machine's alone", () => {
  const ports = services.flatMap(([, service]) => service.ports ?? []);
  expect(ports.length).toBeGreaterThan(4);
  expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
});

test("every image of others is of one version", () => {
  const images = services.flatMap(([, { image }]) => (image === undefined || image === "portcullis" ? [] : [image]));
  expect(images.length).toBeGreaterThan(3);
  expect(images.filter((image) => !/:v?\d/.test(image))).toEqual([]);
});

test("the configuration loads with the variables that are handed over, and with no other", () => {
  const names = Object.keys(compose.services["sidecar"]?.environment ?? {});
  const env = Object.fromEntries(names.map((name, index) => [name, String(index).repeat(64)]));
  const file = "examples/compose/portcullis.yaml";
  const loaded = loadConfig(file, readFileSync(file, "utf8"), env);
  expect(loaded.ok ? [] : loaded.error.map(formatProblem)).toEqual([]);
});

test("the identity service's configuration loads, and its tokens are those that Portcullis takes", () => {
  const identity = readConfig(readFileSync("examples/compose/identity.yaml", "utf8"), {});
  const { issuers } = parse(readFileSync("examples/compose/portcullis.yaml", "utf8")) as {
    readonly issuers: readonly { readonly issuer: string; readonly audiences: readonly string[] }[];
  };
  expect(issuers.map(({ issuer }) => issuer)).toEqual([identity.issuer]);
  expect(issuers[0]?.audiences).toEqual(identity.apis.map(({ audience }) => audience));
});

test("no variable that holds a secret has a default", () => {
  const text = readFileSync("docker-compose.yml", "utf8");
  const variables = [...text.matchAll(/\$\{([A-Z_0-9]+)([^}]*)\}/g)];
  expect(variables.map(([, name]) => name)).toEqual([
    "CONTROL_TOKEN_SHA256",
    "IDENTITY_TOKEN_SHA256",
    "PROMETHEUS_TOKEN_SHA256",
  ]);
  expect(variables.filter(([, , rest = ""]) => !rest.startsWith(":?"))).toEqual([]);
});

test("our own containers write nothing and may nothing", () => {
  for (const name of ["sidecar", "control", "identity"]) {
    expect(compose.services[name]).toMatchObject({ read_only: true, cap_drop: ["ALL"] });
  }
});

test("Grafana finds the dashboards where they are mounted", () => {
  const provider = parse(readFileSync("deploy/grafana/provisioning/dashboards/portcullis.yaml", "utf8")) as {
    readonly providers: readonly { readonly options: { readonly path: string } }[];
  };
  const mounted = provider.providers.map(({ options }) => `./deploy/grafana/dashboards:${options.path}:ro`);
  expect(compose.services["grafana"]?.volumes).toEqual(expect.arrayContaining(mounted));
});

test("the image is made of what is here, and lets its process own nothing", () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = ""]) =>
    sources.split(" "),
  );
  expect(copied.length).toBeGreaterThan(5);
  expect(copied.filter((source) => !existsSync(source))).toEqual([]);
  const ignored = readFileSync(".dockerignore", "utf8");
  expect(copied.filter((source) => !ignored.includes(`!${source.replace("./", "")}\n`))).toEqual([]);
  const last = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
  expect(last).toMatch(/^USER 10001:10001$/m);
  expect(last).toMatch(/^HEALTHCHECK /m);
  expect(last).toMatch(/^STOPSIGNAL SIGTERM$/m);
  expect(last).not.toContain("--chown");
});
