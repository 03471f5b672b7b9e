// `portcullis dev` as a newcomer meets it: in an empty directory, without a file, and again the next day.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { run } from "../support/command.ts";
import { connectClients, type GrpcClients } from "../support/grpc-clients.ts";
import { metadataOf } from "../support/ext-authz-proto.ts";
import { PORTCULLIS } from "../support/portcullis.ts";
import { startProcess, type RunningProcess } from "../support/process.ts";
import { startSidecar, token, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-dev-"));
  folders.push(folder);
  return folder;
}

describe("without a file", () => {
  const folder = emptyFolder();
  const kept = (name: string): string => join(folder, ".portcullis", name);
  let running: RunningProcess;
  let clients: GrpcClients;
  afterEach(async () => {
    clients.close();
    await running.stop(15_000);
  });

  /** Its ports are fixed: on a machine where somebody else has them for a moment, it is started again. */
  async function start(): Promise<void> {
    await until(
      "dev to have its ports",
      async () => {
        running = startProcess(PORTCULLIS, ["dev"], { cwd: folder });
        const isUp = running.line(/"event":"ready"/).then(() => true);
        if (await Promise.race([isUp, running.end().then(() => false)]).catch(() => false)) return true;
        expect(running.output()).toContain("EADDRINUSE");
        return false;
      },
      40_000,
      500,
    );
    clients = connectClients("127.0.0.1:9001");
  }

  async function reasonFor(bearer: string): Promise<unknown> {
    const http = { method: "GET", path: "/admin2", host: "localhost", headers: { authorization: `Bearer ${bearer}` } };
    return metadataOf(await clients.check({ attributes: { request: { http } } }))["reason"];
  }

  const accessToken = (): string => readFileSync(kept("dev-access.jwt"), "utf8").trim();
  const env = (): Readonly<Record<string, string>> => ({ PORTCULLIS_TOKEN_FILE: kept("portcullis.token") });

  let first: string;
  let printedConfig: string;

  test("it runs in an empty directory, and what it keeps there is its owner's alone", async () => {
    await start();
    first = accessToken();
    expect(await reasonFor(first)).toBe("ok");
    expect((await fetch("http://127.0.0.1:9002/readyz")).status).toBe(200);
    printedConfig = running.output().split(/^\{/m, 1)[0] ?? "";
    expect(statSync(kept("")).mode & 0o777).toBe(0o700);
    for (const name of ["portcullis.token", "dev-issuer.key.pem", "dev-access.jwt"]) {
      expect([name, statSync(kept(name)).mode & 0o777]).toEqual([name, 0o600]);
    }
    expect(running.output()).toContain(`token file ${kept("portcullis.token")}`);
    expect(running.output()).not.toContain(readFileSync(kept("portcullis.token"), "utf8").trim());
  });

  test("the commands work with the token it keeps, and a second run has the same keys and revocations", async () => {
    await start();
    expect(await reasonFor(first)).toBe("ok");
    const revoked = await run(["revoke", "user", "alice", "--reason", "test", "--json"], { cwd: folder, env: env() });
    expect(revoked).toMatchObject({ code: 0, err: "" });
    expect(await reasonFor(first)).toBe("revoked");
  });

  test("a third run still refuses what the second one revoked; lifted, it is allowed again", async () => {
    await start();
    expect(await reasonFor(first)).toBe("revoked");
    const { out } = await run(["list", "--json"], { cwd: folder, env: env() });
    const [item] = (JSON.parse(out) as { readonly items: readonly { readonly id: string }[] }).items;
    expect((await run(["unrevoke", item?.id ?? ""], { cwd: folder, env: env() })).code).toBe(0);
    await until("the token to be good again", async () => (await reasonFor(first)) === "ok");
  });

  test("a second one beside it says that the address is in use, and leaves the first one's token alone", async () => {
    await start();
    const second = await run(["dev"], { cwd: folder });
    expect(second).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^portcullis: \w+ did not start: .*EADDRINUSE/),
    });
    expect((await run(["list"], { cwd: folder, env: env() })).code).toBe(0);
  });

  test("the configuration that it prints loads", async () => {
    await start();
    writeFileSync(join(folder, "printed.yaml"), printedConfig);
    expect(await run(["check-config", "printed.yaml"], { cwd: folder })).toMatchObject({ code: 0, err: "" });
    expect(printedConfig).toContain(`path: ${kept("portcullis.db")}`);
  });
});

describe("where nothing can be kept", () => {
  test("a file in the place of its folder is told, without a stack", async () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, ".portcullis"), "");
    const { code, out, err } = await run(["dev"], { cwd: folder });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^portcullis: nothing can be kept in \S+\/\.portcullis: EEXIST[^\n]*\n$/);
  });

  test("a directory that may not be written to is told, without a stack", async () => {
    // Not even root may write here.
    const { code, out, err } = await run(["dev"], { cwd: "/sys" });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^portcullis: nothing can be kept in \/sys\/\.portcullis: (EPERM|EACCES|EROFS)[^\n]*\n$/);
  });

  test("a key of its issuer that is damaged is told, without a stack", async () => {
    const folder = emptyFolder();
    mkdirSync(join(folder, ".portcullis"));
    writeFileSync(join(folder, ".portcullis", "dev-issuer.key.pem"), "damaged");
    const { code, err } = await run(["dev"], { cwd: folder });
    expect(code).toBe(1);
    expect(err).toMatch(/^portcullis: nothing can be kept in [^\n]*\n$/);
  });
});

describe("with a file that names no store", () => {
  let sidecar: SidecarUnderTest;
  beforeAll(async () => {
    sidecar = await startSidecar("deadline: 1s\ntiers: { low: { maxStaleness: 10m } }\n", { command: "dev" });
  });
  afterAll(() => sidecar.stop());

  test("it keeps revocations in a file of its own beside it, and refuses what was revoked through it at once", async () => {
    expect(existsSync(join(sidecar.folder, "portcullis.db"))).toBe(true);
    const status = (await (await fetch(`${sidecar.opsUrl}/status`)).json()) as {
      readonly store: { readonly type: string };
    };
    expect(status.store.type).toBe("embedded");
    const bearer = token({ jti: "through-dev" });
    expect((await sidecar.check({ path: "/", token: bearer })).metadata).toMatchObject({ assurance: "live" });
    expect((await sidecar.check({ path: "/", token: bearer })).metadata).toMatchObject({ assurance: "recent" });
    const env = {
      PORTCULLIS_CONTROL_URL: sidecar.controlUrl,
      PORTCULLIS_TOKEN_FILE: join(sidecar.folder, "portcullis.token"),
    };
    expect((await run(["revoke", "token", "through-dev", "--reason", "test"], { env })).code).toBe(0);
    expect((await sidecar.check({ path: "/", token: bearer })).metadata).toMatchObject({ reason: "revoked" });
  });
});
