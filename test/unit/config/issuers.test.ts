// Issuers: what must be said of each, and what two of them may not share.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatConfig } from "../../../src/config/format.ts";
import { configOf, problemsIn } from "./support.ts";

function problemsOf(...issuers: readonly string[]): readonly string[] {
  return problemsIn(`issuers: [${issuers.join(", ")}]`).map((line) => line.split("  ").slice(1, 3).join("  "));
}

const GOOD = "issuer: https://a, jwks: { file: f }, audiences: [x]";

describe("issuers", () => {
  it.each([
    ["{ jwks: { file: f }, audiences: [x] }", "issuers[0].issuer  is missing"],
    ['{ issuer: "", jwks: { file: f }, audiences: [x] }', 'issuers[0].issuer  is ""'],
    ["{ issuer: a, audiences: [x] }", "issuers[0].jwks  is missing"],
    ["{ issuer: a, jwks: {}, audiences: [x] }", "issuers[0].jwks  has no source"],
    [
      `{ ${GOOD}, statusLists: { uris: ["http://a/l/"], maxStaleness: 1m } }`,
      'issuers[0].statusLists.uris[0]  is "http://a/l/": plain http, which is none that a status list is read by',
    ],
    [`{ ${GOOD}, statusLists: { uris: ["https://a/l/"] } }`, "issuers[0].statusLists.maxStaleness  is missing"],
    [
      "{ issuer: a, jwks: { file: f, url: https://a }, audiences: [x] }",
      "issuers[0].jwks  has several sources: url, file",
    ],
    [
      "{ issuer: https://a, jwks: { discovery: false }, audiences: [x] }",
      "issuers[0].jwks.discovery  is the boolean false",
    ],
    [
      "{ issuer: a, jwks: { discovery: true }, audiences: [x] }",
      'issuers[0].issuer  is "a": no URL that metadata could be found under',
    ],
    [
      "{ issuer: a, jwks: { url: file:///etc/passwd }, audiences: [x] }",
      'issuers[0].jwks.url  is "file:///etc/passwd"',
    ],
    ["{ issuer: a, jwks: { url: https://u:p@a }, audiences: [x] }", 'issuers[0].jwks.url  is "https://***@a"'],
    ["{ issuer: a, jwks: { file: f } }", "issuers[0].audiences  is missing"],
    ["{ issuer: a, jwks: { file: f }, audiences: [] }", "issuers[0].audiences  is an empty list"],
    ["{ issuer: a, jwks: { file: f }, audiences: x }", 'issuers[0].audiences  is "x"'],
    [
      "{ issuer: a, jwks: { file: f }, audiences: [x], anyAudience: true }",
      "issuers[0].audiences  stands beside anyAudience: true",
    ],
    [`{ ${GOOD}, algorithms: [] }`, "issuers[0].algorithms  is an empty list"],
    [`{ ${GOOD}, algorithms: [none] }`, 'issuers[0].algorithms[0]  is "none"'],
    [`{ ${GOOD}, algorithms: [rs256] }`, 'issuers[0].algorithms[0]  is "rs256"'],
    [`{ ${GOOD}, id: Main }`, 'issuers[0].id  is "Main"'],
    [`{ ${GOOD}, id: ${"a".repeat(33)} }`, `issuers[0].id  is "${"a".repeat(33)}"`],
    [`{ ${GOOD}, profile: JWT }`, 'issuers[0].profile  is "JWT"'],
    [`{ ${GOOD}, claims: { session: "" } }`, 'issuers[0].claims.session  is ""'],
    ["[]", "issuers[0]  is an empty list"],
  ])("%s", (issuer, problem) => {
    expect(problemsOf(issuer)).toEqual([problem]);
  });

  it("none at all is refused", () => {
    expect(problemsIn("issuers: []")).toEqual([
      "/etc/p.yaml:1:10  issuers  is an empty list  a list of at least one issuer",
    ]);
  });

  it("several need an id each, and share neither id nor iss", () => {
    expect(
      problemsOf(`{ ${GOOD} }`, `{ ${GOOD}, id: main }`, `{ issuer: b, id: main, jwks: { file: f }, audiences: [x] }`),
    ).toEqual([
      "issuers[0].id  is missing",
      'issuers[1].issuer  is "https://a": the same as issuers[0].issuer',
      'issuers[2].id  is "main": the same as issuers[1].id',
    ]);
  });

  it.each(["http://localhost:1/k", "http://127.0.0.1/k", "http://127.9.9.9/k", "http://[::1]:1/k"])(
    "keys may come by plain http on loopback: %s",
    (url) => expect(problemsOf(`{ issuer: a, jwks: { url: "${url}" }, audiences: [x] }`)).toEqual([]),
  );

  it.each([
    "http://127.0.0.1.evil.example/k",
    "http://id.localhost/k",
    "http://localhost.evil.example/k",
    "http://10.0.0.1/k",
    "http://[::2]/k",
  ])("and not from what only looks like it: %s", (url) =>
    expect(problemsOf(`{ issuer: a, jwks: { url: "${url}" }, audiences: [x] }`)).toHaveLength(1),
  );

  it("allowHttp permits the URL that is written, the issuer's own under discovery", () => {
    const config = configOf(`issuers:
  - { issuer: http://a.internal, id: a, jwks: { discovery: true, allowHttp: true }, audiences: [x] }
  - { issuer: b, id: b, jwks: { url: http://b.internal/k, allowHttp: true }, audiences: [x] }`);
    expect(config.issuers.map(({ jwks }) => jwks)).toEqual([
      { kind: "discovery", allowHttp: true },
      { kind: "url", url: "http://b.internal/k", allowHttp: true },
    ]);
    expect(problemsOf("{ issuer: http://a.internal, jwks: { discovery: true }, audiences: [x] }")).toHaveLength(1);
  });

  it("that are asked about opaque tokens have prefixes of their own, and no secret is written out", () => {
    const folder = mkdtempSync(join(tmpdir(), "portcullis-"));
    const file = join(folder, "secret");
    writeFileSync(file, "the client's secret\n");
    const asked = (id: string, prefix: string): string =>
      `{ issuer: "https://${id}", id: ${id}, jwks: { file: f }, audiences: [x], introspection: ` +
      `{ url: "https://${id}/i", clientId: p, clientSecretFile: "${file}", prefix: "${prefix}" } }`;
    expect(problemsOf(asked("a", "t_"), asked("b", "t_")).join("\n")).toContain(
      "issuers[1].introspection.prefix  has the same as issuers[0].introspection.prefix",
    );
    expect(problemsOf(asked("a", "").replace("https://a/i", "http://a/i")).join("\n")).toContain(
      'introspection.url  is "http://a/i": plain http, whose tokens anyone on the way can read and call good',
    );
    expect(problemsOf(asked("a", "").replace(file, "none")).join("\n")).toContain("the file does not exist");
    expect(problemsOf(asked("a", "").replace("clientSecretFile", "clientSecret")).join("\n")).toContain(
      "issuers[0].introspection.clientSecret  is no known key",
    );
    const config = configOf(`issuers: [${asked("a", "t_")}, ${asked("b", "")}]`);
    expect(config.issuers[0]?.introspection).toMatchObject({ clientSecret: "the client's secret", timeoutMs: 100 });
    const written = formatConfig(config);
    expect(written).not.toContain("the client's");
    expect(configOf(written).issuers).toEqual(config.issuers);
    rmSync(folder, { recursive: true });
  });
});
