// Through real Envoys, with each way they can treat paths: however /admin is spelled, whoever may not go there does not,
// for what Portcullis judged is what the upstream gets. The oracle is a back end that forgives everything.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENVOY_VERSIONS, startEnvoy, type EnvoyProcess, type Settings } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call, echoed, type HttpAnswer } from "../support/http-call.ts";
import { readLeniently } from "../support/lenient-path.ts";

let guarded: GuardedUpstream;
beforeAll(async () => {
  guarded = await startGuardedUpstream();
});
afterAll(() => guarded.stop());

/** Bytes that stand for a slash, or might, or vanish. */
const SLASHES = [
  "/",
  "//",
  "%2F",
  "%2f",
  "%252F",
  "\\",
  "%5C",
  "%5c",
  "/./",
  "/%2e/",
  "/;/",
  ";/",
  ";x=1/",
  "/.;/",
  "%00/",
  "%09/",
];
const CLIMBS = ["..", "%2e%2e", "%2E.", ".%2e", "..;", "..;x", "%252e%252e", "..%00", "%c0%ae%c0%ae", "..\u00AD"];
const NAMES = [
  "admin",
  "%61dmin",
  "adm%69n",
  "%2561dmin",
  "admin;x=1",
  "admin%3Bx",
  "admin%20",
  "admin.",
  "admin\u00E9",
];

/** Spellings that some back end or other takes for /admin/users, and near misses. */
const SPELLINGS: readonly string[] = [
  ...SLASHES.map((slash) => `/admin${slash}users`),
  ...SLASHES.filter((slash) => !slash.startsWith(";")).map((slash) => `${slash}admin/users`),
  ...CLIMBS.flatMap((climb) => [`/public/${climb}/admin/users`, `/public/a/${climb}/${climb}/admin/users`]),
  ...CLIMBS.flatMap((climb) => [
    `/public%2F${climb}/admin/users`,
    `/public/${climb}%2Fadmin/users`,
    `/public\\${climb}\\admin\\users`,
  ]),
  ...NAMES.map((name) => `/${name}/users`),
  ...NAMES.map((name) => `/public/../${name}/users`),
  "/public/..%2f..%2fadmin",
  "/public/%2e%2e%2fadmin",
  "/../admin/users",
  "/public/../../admin/users",
  "/./admin/users",
  "/admin/users%",
  "/admin/users%2",
  "/admin/users%zz",
  "/admin/users/../users",
  "/public?/../admin/users",
  "/public#/../admin",
  "/public/%23/../../admin/users",
  "/public/%3f/../../admin/users",
  "/public/.../admin",
  "/public/%2e%2e%5cadmin",
  "/%2e/admin/users",
];

/** How an Envoy may be told to treat paths; the first is the reference configuration as it is. */
const TREATMENTS: Readonly<Record<string, Settings>> = {
  reference: {},
  untouched: { normalize_path: false, merge_slashes: false, path_with_escaped_slashes_action: "KEEP_UNCHANGED" },
  rejecting: { path_with_escaped_slashes_action: "REJECT_REQUEST" },
  unescaping: { path_with_escaped_slashes_action: "UNESCAPE_AND_FORWARD" },
};

const CASES = ENVOY_VERSIONS.flatMap((version) => Object.keys(TREATMENTS).map((treatment) => ({ version, treatment })));

test("there are more than 100 spellings", () => {
  expect(new Set(SPELLINGS).size).toBeGreaterThan(100);
});

describe.each(CASES)("Envoy $version, paths $treatment", ({ version, treatment }) => {
  let envoy: EnvoyProcess;
  beforeAll(async () => {
    envoy = await startEnvoy({
      version,
      portcullis: guarded.sidecar.grpcPort,
      upstreamPort: guarded.upstream.port,
      edit: ({ connectionManager }) => Object.assign(connectionManager, TREATMENTS[treatment]),
    });
  });
  afterAll(() => envoy.stop());

  async function callAll(token: string | undefined): Promise<readonly { spelling: string; answer: HttpAnswer }[]> {
    const answers = [];
    for (const spelling of SPELLINGS) {
      const answer = await call(envoy.url, { path: spelling, ...(token === undefined ? {} : { token }) });
      answers.push({ spelling, answer });
    }
    return answers;
  }

  test("nobody without the admin scope reaches what a lenient upstream reads as /admin", async () => {
    const answers = await callAll(await guarded.issuer.sign());
    const reached = answers
      .filter(({ answer }) => answer.status === 200)
      .map(({ spelling, answer }) => ({ spelling, at: readLeniently(echoed(answer).path) }))
      .filter(({ at }) => at === "/admin" || at.startsWith("/admin/"));
    expect(reached).toEqual([]);
  });

  test("nobody without a token reaches what a lenient upstream reads as anything but /public", async () => {
    const answers = await callAll(undefined);
    const reached = answers
      .filter(({ answer }) => answer.status === 200)
      .map(({ spelling, answer }) => ({ spelling, at: readLeniently(echoed(answer).path) }))
      .filter(({ at }) => at !== "/public" && !at.startsWith("/public/"));
    expect(reached).toEqual([]);
  });

  test("nothing is answered but 200, 400, 401, 403", async () => {
    const answers = await callAll(await guarded.issuer.sign());
    const odd = answers.filter(({ answer }) => ![200, 400, 401, 403].includes(answer.status));
    expect(odd.map(({ spelling, answer }) => `${spelling}: ${answer.status}`)).toEqual([]);
  });

  test("ordinary encoded text passes, and reaches the upstream as it was judged", async () => {
    const token = await guarded.issuer.sign();
    for (const path of [
      "/api/a%20b",
      "/api/%C3%A9t%C3%A9",
      "/api/x~y",
      "/api/a+b",
      "/api/a:b@c",
      "/api/orders/?q=%2F..%2F",
    ]) {
      expect(echoed(await call(envoy.url, { path, token })).path).toBe(path);
    }
  });
});

describe.each(ENVOY_VERSIONS)("Envoy %s", (version) => {
  test("encoded slashes are refused by Portcullis itself, with its own reason in the log", async () => {
    const envoy = await startEnvoy({
      version,
      portcullis: guarded.sidecar.grpcPort,
      upstreamPort: guarded.upstream.port,
    });
    try {
      const answer = await call(envoy.url, { path: "/admin%2Fusers", token: await guarded.issuer.sign() });
      expect(answer.status).toBe(400);
      expect(answer.headers["content-type"]).toBe("application/problem+json");
      await expect.poll(() => envoy.accessLog()).toContainEqual(expect.objectContaining({ reason: "ambiguous_path" }));
    } finally {
      await envoy.stop();
    }
  });
});
