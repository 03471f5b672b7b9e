// heimdall, which verifies JWTs for Envoy and knows no revocation: a Go module, built once from the module proxy, checked
// by Go's checksum database, and kept in .cache. It caches keys, not verified tokens: every call is a cold one.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { AUDIENCE, ISSUER } from "../fixtures/tokens.ts";
import { isListening, until } from "../ports.ts";
import { CORE, type Processes } from "../processes.ts";
import type { Target } from "./target.ts";

const MODULE = "github.com/dadrus/heimdall";
/** Its configuration below is in the form of this one. */
const VERSION = "v0.17.18";
/** The oldest with tool directives. Without any, Go walks the graph of all modules: minutes more. */
const GO_LANGUAGE = "1.24.0";

export interface HeimdallOptions {
  readonly work: string;
  /** Where anything fetched over HTTP is the JWK set. */
  readonly jwksPort: number;
  /** Where binaries are kept from run to run. */
  readonly cache: string;
  /** Build what is not there yet, which takes minutes. */
  readonly mayBuild: boolean;
}

/** None where it is not there and cannot be built: why goes to `skipped`. HEIMDALL names another binary. */
export async function heimdallTargets(
  processes: Processes,
  options: HeimdallOptions,
  skipped: (name: string, why: string) => void,
): Promise<Target[]> {
  const folder = join(options.cache, `heimdall-${VERSION}`);
  const binary = process.env["HEIMDALL"] ?? join(folder, "server");
  const why = existsSync(binary) ? undefined : await reasonNotToBe(processes, folder, options.mayBuild);
  if (why === undefined) return [target(processes, binary, options)];
  skipped("heimdall", why);
  return [];
}

/** undefined: it is there now. */
async function reasonNotToBe(processes: Processes, folder: string, mayBuild: boolean): Promise<string | undefined> {
  if (spawnSync("go", ["version"]).status !== 0) return "no Go on this machine";
  if (!mayBuild) return "not built yet: a full run builds it";
  try {
    await build(processes, folder);
    return undefined;
  } catch (error) {
    return `does not build here (${String(error).trimEnd().split("\n").at(-1) ?? ""})`;
  }
}

/** In a module of our own that requires it, for `go install` takes no module that replaces another. */
async function build(processes: Processes, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const lines = ["module peer", `go ${GO_LANGUAGE}`, `tool ${MODULE}`, `require ${MODULE} ${VERSION}`];
  writeFileSync(join(folder, "go.mod"), `${lines.join("\n\n")}\n`);
  console.error(`building ${MODULE} ${VERSION}, once: a few minutes`);
  const inFolder = (...command: readonly string[]): Promise<string> =>
    processes.run(CORE.others, ["nice", "-n", "10", "env", "-C", folder, ...command]);
  await inFolder("go", "mod", "tidy");
  await inFolder("go", "build", "-trimpath", "-o", "being-built", MODULE);
  renameSync(join(folder, "being-built"), join(folder, "server"));
}

function target(processes: Processes, binary: string, { work, jwksPort }: HeimdallOptions): Target {
  return {
    name: "heimdall",
    isOurs: false,
    usesStore: false,
    inEveryRound: false,
    scenarios: [{ kind: "cold-rs256", name: "cold", alg: "rs256" }],
    start: async (_scenario, port) => {
      const rules = join(work, "heimdall-rules.yaml");
      const config = join(work, "heimdall.yaml");
      writeFileSync(rules, stringify(RULES));
      writeFileSync(config, stringify(configOf(port, jwksPort, rules)));
      // --insecure: it refuses a default rule that lets calls through, plain HTTP to a key set, and no TLS of its own.
      const command = [binary, "serve", "decision", "--envoy-grpc", "-c", config, "--insecure"];
      const running = processes.start("heimdall", CORE.server, command);
      await until("heimdall", running, () => isListening({ host: "127.0.0.1", port }));
      return running;
    },
  };
}

const EXECUTE = [{ authenticator: "jwt" }, { finalizer: "headers" }];

const RULES = {
  version: "1alpha4",
  name: "bench",
  rules: [{ id: "api", match: { routes: [{ path: "/api/**" }], methods: ["GET"] }, execute: EXECUTE }],
};

function configOf(port: number, jwksPort: number, rules: string): object {
  const jwt = {
    jwks_endpoint: { url: `http://127.0.0.1:${jwksPort}/jwks.json` },
    validate_jwk: false,
    cache_ttl: "10m",
    assertions: { issuers: [ISSUER], audience: [AUDIENCE], allowed_algorithms: ["RS256", "ES256"] },
  };
  const headers = {
    "X-User-Id": "{{ .Subject.ID }}",
    "X-Session-Id": "{{ .Subject.Attributes.sid }}",
    "X-Scopes": "{{ .Subject.Attributes.scope }}",
  };
  return {
    log: { level: "error" },
    tracing: { enabled: false },
    metrics: { enabled: false },
    serve: { host: "127.0.0.1", port },
    mechanisms: {
      authenticators: [{ id: "jwt", type: "jwt", config: jwt }],
      finalizers: [{ id: "headers", type: "header", config: { headers } }],
    },
    default_rule: { execute: EXECUTE },
    providers: { file_system: { src: rules, watch: false } },
  };
}
