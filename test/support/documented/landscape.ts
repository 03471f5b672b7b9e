// What the pages take for granted beside Portcullis: an issuer, a Redis, an Envoy on the reference configuration, an upstream;
// and the files that they name. Sidecar and control plane are started by the README's own commands.
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { startUpstream } from "../../../examples/upstream/upstream.ts";
import { NEWEST_ENVOY } from "../envoy.ts";
import { serve, startJwksServer } from "../jwks-server.ts";
import { blockOf } from "../page.ts";
import { freePorts } from "../ports.ts";
import { startProcess } from "../process.ts";
import { createTestKey, signToken } from "../tokens.ts";
import { until } from "../wait.ts";

export interface Landscape {
  readonly env: Readonly<Record<string, string>>;
  /** What pages write, by what it is here. */
  readonly places: Readonly<Record<string, string>>;
  /** Goes to a folder of its own that has the files which pages name, `token.jwt` being fresh. */
  readonly enter: string;
  stop(): Promise<void>;
}

export const CHECKOUT: string = resolve(".");

export async function startLandscape(): Promise<Landscape> {
  const home = mkdtempSync(join(tmpdir(), "portcullis-documented-"));
  const [redisPort = 0] = await freePorts(1);
  const redisUrl = `redis://127.0.0.1:${redisPort}/0`;
  const issuer = await startIssuer();
  const upstream = await startUpstream({ host: "127.0.0.1", port: 8080 });
  writeFileSync(
    join(home, "redis.conf"),
    `port ${redisPort}\nbind 127.0.0.1\ndir ${home}\nmaxmemory-policy noeviction\n`,
  );
  const redis = startProcess("redis-server", [join(home, "redis.conf")]);
  const envoy = startProcess(resolve(".cache/envoy", NEWEST_ENVOY, "envoy"), [
    "-c",
    "envoy/envoy.yaml",
    "--use-dynamic-base-id",
    "--concurrency",
    "1",
    "--log-level",
    "error",
  ]);
  writeFiles(join(home, "files"), redisUrl, `${issuer.url}/jwks`);
  const bin = join(home, "bin");
  mkdirSync(bin);
  // The pages' redis-cli asks the Redis of this machine; and it fails where Redis does, as it does not by itself.
  writeFileSync(join(bin, "redis-cli"), `#!/bin/sh\nPATH=\${PATH#*:} exec redis-cli -e -p ${redisPort} "$@"\n`, {
    mode: 0o755,
  });
  // A refusal that a page does not speak of is a failure; and who shows output shows no meter.
  writeFileSync(join(home, ".curlrc"), "silent\nshow-error\nfail-with-body\n");
  await redis.line(/Ready to accept connections/);
  await until("Envoy to be ready", async () => (await fetch("http://127.0.0.1:9901/ready")).ok, 20_000);
  const fresh = `curl -s ${issuer.url}/token > token.jwt`;
  return {
    env: { PATH: `${bin}:${CHECKOUT}/bin:${process.env["PATH"]}`, CURL_HOME: home },
    places: {
      "https://id.example.com/": `${issuer.url}/`,
      "https://portcullis-control.example.com": "http://127.0.0.1:9003",
      "https://edge.example.com": "http://127.0.0.1:8000",
      "http://127.0.0.1:15000": "http://127.0.0.1:9901",
      "redis://127.0.0.1:6379/0": redisUrl,
      "redis://10.0.0.5:6379/0": redisUrl,
      "/etc/portcullis/": "",
      "01a1fdb5-8b5c-7da8-848d-3c4e88beedaf": `"$(portcullis list --json | sed 's/.*"id":"\\([0-9a-f-]*\\)","seq".*/\\1/')"`,
    },
    enter: `cd "$(mktemp -d -p '${home}')" && cp '${home}'/files/* . && printf %s "\${PORTCULLIS_TOKEN:-}" > operator.token && ${fresh}`,
    async stop() {
      await Promise.all([envoy.stop(), redis.stop(), upstream.close(), issuer.stop()]);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** At /jwks its keys, at /token a token of alice's that no revocation of this moment ends. */
async function startIssuer(): ReturnType<typeof startJwksServer> {
  const key = createTestKey("ES256", "2026-key");
  const keys = serve([key.jwk]);
  let count = 0;
  return startJwksServer((request, response) => {
    if (request.url !== "/token") return keys(request, response);
    const iat = Math.floor(Date.now() / 1_000) + 2;
    const jti = `token-${(count += 1)}`;
    const who = {
      iss: "https://id.example.com",
      aud: "orders-api",
      sub: "alice",
      client_id: "shop",
      scope: "read admin",
    };
    response.end(signToken(key, { ...who, jti, iat, exp: iat + 600 }));
  });
}

/** Those that pages name, and what a reader has made of the README's configuration: its sidecars report. */
function writeFiles(folder: string, redisUrl: string, jwksUrl: string): void {
  const report = randomBytes(32).toString("base64url");
  const config = blockOf("README.md", "portcullis.yaml") as { control: { tokens: object[]; reportTokenFile?: string } };
  const sha256 = createHash("sha256").update(report).digest("hex");
  config.control.tokens.push({ name: "sidecars", sha256, scopes: ["portcullis:sidecar"] });
  config.control.reportTokenFile = "report.token";
  const good = { target: { kind: "session", id: "3b51d599" }, reason: "batch" };
  const files = {
    "portcullis.yaml": stringify(config)
      .replace("redis://127.0.0.1:6379/0", redisUrl)
      .replace(/https:\S+\/jwks/, jwksUrl),
    "report.token": report,
    "revoked.csv": fenceOf("docs/import.md", "csv"),
    "revoked.txt": fenceOf("docs/import.md", ""),
    "stolen.txt": "3b51d599\n9c01d2aa\n",
    "lines.ndjson": `${JSON.stringify(good)}\nnot JSON\n`,
  };
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
}

function fenceOf(page: string, language: string): string {
  return new RegExp(`^\`\`\`${language}\n([^\`]*)^\`\`\`$`, "m").exec(readFileSync(page, "utf8"))?.[1] ?? "";
}
