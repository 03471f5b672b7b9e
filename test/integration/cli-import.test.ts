// `portcullis import`: others' deny lists, from files and a real Redis, through a real control plane. docs/import.md shows the
// same lines.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runHere, type Outcome } from "../support/command.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";

let plane: ControlPlane;
let redis: RedisProcess;
beforeAll(async () => {
  [plane, redis] = await Promise.all([startControlPlane(), startRedis()]);
});
afterAll(async () => {
  await Promise.all([plane.stop(), redis.stop()]);
});

const imported = (args: readonly string[], stdin = ""): Promise<Outcome> =>
  runHere(["import", ...args], {
    env: { PORTCULLIS_CONTROL_URL: plane.url, PORTCULLIS_TOKEN: plane.tokens.admin },
    stdin,
  });
const checked = async (kind: string, id: string): Promise<Record<string, unknown>> =>
  (await plane.call("GET", `/v1/check?kind=${kind}&issuer=main&id=${id}`)).json;
const isRevoked = async (kind: string, id: string): Promise<unknown> => (await checked(kind, id))["revoked"];

describe("a CSV file", () => {
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  const nowS = Math.floor(Date.now() / 1_000);
  const CSV = [
    "kind,id,issuer,reason,issued_before,expires_at",
    `session,csv-1,main,"lost, and found",,${inAnHour}`,
    `user,csv-2,main,left the company,${nowS},`,
    ",csv-3,main,,,",
    "session,csv-4,main,,,1600000000",
    "planet,csv-5,main,,,",
    'session,"csv-6,main,,,',
    "session,csv-7,main,,,soon",
    "session,csv,8,main,,,",
  ].join("\r\n");

  test("is revoked line by line; what is over needs nothing, and what means nothing is told", async () => {
    const { code, out, err } = await imported(["--from", "csv", "-"], CSV);
    expect(code).toBe(1);
    expect(out.match(/^revoked (\w+) [\w-]+/gm)).toEqual([
      "revoked session csv-1",
      "revoked user csv-2",
      "revoked token csv-3",
    ]);
    expect(err.split("\n")).toEqual([
      expect.stringContaining("line 6: the kind is none of"),
      "line 7: the line is no CSV: a quote is open, or stands inside a field",
      "line 8: a time is neither epoch seconds nor ISO 8601",
      "line 9: the line has more fields than columns are named: quote what has a comma in it",
      "3 revoked, 4 failed",
      "1 expired already, and need no revoking",
      "",
    ]);
    expect(await checked("session", "csv-1")).toMatchObject({ revoked: true, reason: "lost, and found" });
    expect(await checked("token", "csv-3")).toMatchObject({ revoked: true, reason: "imported from csv" });
    expect(await isRevoked("session", "csv-4")).toBe(false);
  });

  test("run twice, it is answered as it was, and nothing is revoked anew", async () => {
    const list = "id,issuer\ntwice-1,main\ntwice-2,main\n";
    const first = await imported(["--from", "csv", "-", "--json"], list);
    const second = await imported(["--from", "csv", "-", "--json"], list);
    expect(first.code).toBe(0);
    expect(second.out).toBe(first.out);
  });

  test("a dry run sends nothing, and prints what `revoke --batch` takes", async () => {
    const dry = await imported(["--from", "csv", "-", "--dry-run", "--issuer", "main"], "id\ndry-1\n");
    expect(dry).toMatchObject({ code: 0, err: "1 to revoke, 0 not understood; nothing was sent\n" });
    expect(await isRevoked("token", "dry-1")).toBe(false);
    const env = { PORTCULLIS_CONTROL_URL: plane.url, PORTCULLIS_TOKEN: plane.tokens.admin };
    expect((await runHere(["revoke", "--batch", "-"], { env, stdin: dry.out })).code).toBe(0);
    expect(await isRevoked("token", "dry-1")).toBe(true);
  });

  test("without names for its columns it is not guessed at", async () => {
    const { code, err } = await imported(["--from", "csv", "-"], "alice,bob\n");
    expect([code, err]).toEqual([1, expect.stringContaining("line 1: the first line must name the columns")]);
  });
});

test("KrakenD's elements are claims with their values; a filter's own bytes are not a list", async () => {
  const list = "jti-kr-1\nsub-kr-2\nsid-kr-3\naud-kr-4\n\u0001\u0002\n";
  const { code, out, err } = await imported(["--from", "krakend", "-", "--issuer", "main"], list);
  expect(code).toBe(1);
  expect(out.match(/^revoked (\w+) [\w-]+/gm)).toEqual([
    "revoked token kr-1",
    "revoked user kr-2",
    "revoked session kr-3",
  ]);
  expect(err).toContain("line 4: the line is not <claim>-<value>");
  expect(err).toContain("line 5: the line is not <claim>-<value>");
});

describe("keys of a Redis that is not ours", () => {
  const jwt = (jti: string): string =>
    `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(JSON.stringify({ jti })).toString("base64url")}.c2ln`;

  test("are read by their shape, with the expiry that they have, and stay as they were", async () => {
    await redis.cli("SET", "bl[1]:main:re-1", "x", "EX", "7200");
    await redis.cli("SADD", "bl[1]:main:re-2", "y");
    await redis.cli("SET", `bl[1]:main:${jwt("re-3")}`, "x");
    await redis.cli("SET", "bl1:main:re-4", "x");
    const { code, err } = await imported(["--from", "redis", "--redis", redis.url, "--key", "bl[1]:{issuer}:{id}"]);
    expect([code, err]).toEqual([0, "3 revoked, 0 failed\n"]);
    for (const id of ["re-1", "re-2", "re-3"]) expect(await isRevoked("token", id)).toBe(true);
    expect(await isRevoked("token", "re-4")).toBe(false);
    const list = (
      await plane.call("GET", "/v1/revocations?kind=token&issuer=main&id=re-1", { token: plane.tokens.admin })
    ).json as unknown as { readonly items: readonly [{ readonly expires_at: number }] };
    expect(list.items[0].expires_at).toBeGreaterThan(Date.now() + 7_000_000);
    expect(await redis.cli("DBSIZE")).toContain("4");
  });

  test("of bytes that are no UTF-8 are told of, not passed over", async () => {
    await redis.cli("EVAL", String.raw`redis.call('SET', 'bytes:b\255c', '1', 'EX', 900)`, "0");
    const { code, err } = await imported(["--from", "redis", "--redis", redis.url, "--key", "bytes:{id}"]);
    expect([code, err]).toEqual([1, "line 1: the line is no UTF-8 text\n0 revoked, 1 failed\n"]);
  });

  test("of Higress are known by their prefix; thousands are no matter", async () => {
    const script = "for i=1,3000 do redis.call('SET', 'higress_jwt_logout_hi-'..i, '1', 'EX', 900) end";
    await redis.cli("EVAL", script, "0");
    const { code, err } = await imported(["--from", "higress", "--redis", redis.url, "--issuer", "main"]);
    expect([code, err]).toEqual([0, "3000 revoked, 0 failed\n"]);
    expect(await isRevoked("token", "hi-2999")).toBe(true);
  });

  test("a server that is not there is told without its password", async () => {
    const { code, err } = await imported(["--from", "higress", "--redis", "redis://:hunter2@127.0.0.1:1"]);
    expect(code).toBe(1);
    expect(err).toContain("the Redis to import from: it does not answer (connection_refused)");
    expect(err).not.toContain("hunter2");
  });
});

test.each([
  [["--from", "csv"], "reads a file"],
  [["--from", "krakend", "-", "--key", "{id}"], "are for --from redis and higress"],
  [["--from", "redis", "--redis", "redis://127.0.0.1"], "--key takes the keys' shape"],
  [["--from", "redis", "--key", "{id}{id}", "--redis", "redis://127.0.0.1"], "--key takes the keys' shape"],
  [["--from", "redis", "--key", "a:{id}"], "names the server"],
  [["--from", "higress", "--redis", "127.0.0.1:6379"], "the Redis to import from: "],
  [["--from", "higress", "list.txt", "--redis", "redis://127.0.0.1"], "reads no file"],
  [["--from", "csv", "/no/such/file", "--dry-run"], "cannot be read (ENOENT)"],
])("%j is a mistake of usage", async (args, message) => {
  const { code, err } = await imported(args);
  expect([code, err]).toEqual([2, expect.stringContaining(message)]);
});
