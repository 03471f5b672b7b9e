// What `portcullis doctor` says and how it ends, at anything that may answer under an address.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { run, runHere } from "../support/command.ts";
import { dumpOf, type DumpOptions } from "../support/envoy-dump.ts";
import { addEndpoint } from "../support/envoy.ts";
import { setting } from "../support/envoy-faults.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const envoyWith = (options: DumpOptions = {}) =>
  serving((request, response) => {
    response.statusCode = request.url === "/config_dump" && request.method === "GET" ? 200 : 404;
    response.end(JSON.stringify(dumpOf(options)));
  });

test("a good Envoy: one line, exit 0", async () => {
  const envoy = await envoyWith();
  expect(await run(["doctor", "--envoy", envoy])).toEqual({
    code: 0,
    out: "Envoy 1.40.0, guarded on 1 of 1 HTTP listeners: nothing to say against it\n",
    err: "",
  });
  expect((await runHere(["doctor", "--envoy", `${envoy}/`])).code).toBe(0);
});

test("an unsafe one: what is set, what to set and why, exit 1", async () => {
  const envoy = await envoyWith({ edit: ({ extAuthz }) => setting("failure_mode_allow", true)(extAuthz) });
  const { code, out, err } = await runHere(["doctor", "--envoy", envoy]);
  expect({ code, err }).toEqual({ code: 1, err: "" });
  expect(out).toMatch(
    /^UNSAFE {2}failure-mode-allow {2}listener ingress, filter envoy\.filters\.http\.ext_authz\n {8}is {4}failure_mode_allow: true\n {8}want {2}failure_mode_allow: false\n {8}why {3}.+\n {8}see {3}https:.+\n\nEnvoy 1\.40\.0, guarded on 1 of 1 HTTP listeners: 1 unsafe, 0 slow, 0 to note\n$/,
  );
});

test("what is only slow or to note is no failure, in JSON too", async () => {
  const envoy = await envoyWith({ edit: ({ extAuthz }) => setting("include_peer_certificate", true)(extAuthz) });
  const { code, out } = await runHere(["doctor", "--envoy", envoy, "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    envoy: "1.40.0",
    listeners: 1,
    guarded: 1,
    unsafe: 0,
    slow: 1,
    notes: 0,
    findings: [{ rule: "certificate-sent", severity: "slow", found: "include_peer_certificate: true" }],
  });
});

test("a name in the dump cannot play tricks with the terminal", async () => {
  const edit: DumpOptions["edit"] = ({ connectionManager, extAuthz }) => {
    setting("failure_mode_allow", true)(extAuthz);
    setting("name", "x\u001b[2J")((connectionManager["http_filters"] as [Record<string, unknown>])[0]);
  };
  const { out } = await runHere(["doctor", "--envoy", await envoyWith({ edit })]);
  expect(out).toContain("filter x\\u{1b}[2J");
});

describe("--config", () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-doctor-"));
  afterEach(() => rmSync(join(folder, "p.yaml"), { force: true }));
  const config = (more: string): void =>
    writeFileSync(
      join(folder, "p.yaml"),
      `issuers: [{ issuer: "https://i.example", jwks: { file: j.json }, audiences: [a] }]\n${more}`,
    );

  test("holds the sidecar's own deadline and limits against it", async () => {
    config("deadline: 400ms\nstore: { timeout: 100ms }\nlimits: { maxInFlight: 9000 }\n");
    const args = ["doctor", "--envoy", await envoyWith(), "--config", "p.yaml", "--json"];
    const { findings } = JSON.parse((await runHere(args, { cwd: folder })).out) as { findings: { rule: string }[] };
    expect(findings.map(({ rule }) => rule)).toEqual(["timeout-short", "cluster-limits"]);
  });

  test("holds the addresses of its workers against the cluster's", async () => {
    const workers = "workers: 2\nlisten: { grpc: [127.0.0.1:9001, 127.0.0.1:9011] }\nlimits: { maxInFlight: 4000 }\n";
    config(workers);
    const args = ["doctor", "--envoy", await envoyWith(), "--config", "p.yaml", "--json"];
    const found = async (): Promise<unknown> =>
      (JSON.parse((await runHere(args, { cwd: folder })).out) as { findings: unknown }).findings;
    expect(await found()).toMatchObject([{ rule: "worker-without-endpoint", where: "cluster portcullis" }]);
    const edit: DumpOptions["edit"] = ({ portcullisCluster }) => addEndpoint(portcullisCluster, 9011);
    args[2] = await envoyWith({ edit });
    expect(await found()).toEqual([]);
  });

  test("that is bad is a configuration error: 2, and nobody is asked", async () => {
    config("deadline: soon\n");
    const outcome = await runHere(["doctor", "--envoy", "http://127.0.0.1:1", "--config", "p.yaml"], { cwd: folder });
    expect(outcome).toMatchObject({ code: 2, out: "" });
    expect(outcome.err).toContain("deadline");
  });
});

describe("odd answers fail with 1 and a reason", () => {
  const body = (text: string) => serving((_, response) => response.end(text));
  test.each<[string, () => Promise<string>, string]>([
    ["nobody listens", async () => "http://127.0.0.1:1", "nothing listens at http://127.0.0.1:1"],
    ["404", () => serving((_, response) => response.writeHead(404).end()), "is no dump of an Envoy (HTTP 404)"],
    ["a page", () => body("<html>"), "is no dump of an Envoy (not JSON)"],
    ["other JSON", () => body('{"status":"ok"}'), "it has no part `BootstrapConfigDump`"],
    ["a bare null", () => body("null"), "it has no part `BootstrapConfigDump`"],
    [
      "cut off",
      () => serving((_, response) => void response.writeHead(200, { "content-length": 9 }).end("{")),
      "cannot be asked",
    ],
    [
      "a dump without end",
      () =>
        serving((_, response) => {
          const chunk = Buffer.alloc(1 << 20, " ");
          const more = (): void => {
            while (!response.destroyed && response.write(chunk));
            if (!response.destroyed) response.once("drain", more);
          };
          more();
        }),
      "is larger than 128 MiB, and is not read",
    ],
  ])("%s", async (_, serve, message) => {
    const outcome = await runHere(["doctor", "--envoy", await serve()]);
    expect(outcome).toMatchObject({ code: 1, out: "" });
    expect(outcome.err).toContain(message);
  });

  test.each([["envoy:9901"], ["ftp://x"], ["http://u:secret@x"]])("%s is a usage error", async (url) => {
    const outcome = await runHere(["doctor", "--envoy", url]);
    expect(outcome).toMatchObject({ code: 2, out: "" });
    expect(outcome.err).not.toContain("secret");
  });
});
