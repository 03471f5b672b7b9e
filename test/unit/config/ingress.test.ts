// The `ingress` block: closed unless opened, written back as it was read without its secrets, and what is refused or
// warned of.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatConfig } from "../../../src/config/format.ts";
import { configOf, configWith, problemsIn, problemsWith, warningsWith } from "./support.ts";

const SSF = "id: risk, issuer: https://t.example.com, audiences: [p], jwks:";

describe("the ingress block", () => {
  it("takes no stranger's word unless told whose: both lists are empty", () => {
    expect(configWith("").ingress).toEqual({
      oauthRevoke: true,
      backchannelLogout: [],
      ssf: [],
      globalTokenRevocation: true,
      subjectFormats: [],
    });
  });

  it("is written out as it was read", () => {
    const before = configWith(`ingress:
  oauthRevoke: false
  backchannelLogout: [{ issuer: main, audiences: [shop] }]
  ssf: [{ ${SSF} { url: "http://t.example.com/jwks", allowHttp: true }, algorithms: [RS256], clockSkew: 5s }]
  globalTokenRevocation: false
  subjectFormats: [email]
`);
    expect(configOf(formatConfig(before)).ingress).toEqual(before.ingress);
  });

  it("is written out as it was read, without the secrets of streams that are fetched", () => {
    const folder = mkdtempSync(join(tmpdir(), "portcullis-"));
    const file = join(folder, "token");
    writeFileSync(file, "a-bearer-token\n");
    const before = configWith(`ingress:
  ssf:
    - ${SSF.replaceAll(", ", "\n      ")} { file: t.json }
      poll: { url: "https://t.example.com/poll", bearerFile: "${file}", longPoll: false, every: 5s }
      verification: { url: "https://t.example.com/verify", bearerFile: "${file}", streamId: s1 }
`);
    const { poll, verification } = before.ingress.ssf[0] ?? {};
    expect(poll).toMatchObject({ bearer: "a-bearer-token", longPoll: false, everyMs: 5_000 });
    expect(verification).toMatchObject({ bearer: "a-bearer-token", streamId: "s1", everyMs: 3_600_000 });
    const written = formatConfig(before);
    expect(written).not.toContain("a-bearer-token");
    expect(configOf(written).ingress).toEqual(before.ingress);
    rmSync(folder, { recursive: true });
  });

  it("names each sender and audience, and whose tokens he speaks of", () => {
    const { ingress } = configWith(`ingress:
  backchannelLogout: [{ issuer: main, audiences: [shop] }]
  ssf: [{ ${SSF} { file: t.json }, algorithms: [RS256], clockSkew: 5s }]
  subjectFormats: [email]
`);
    expect(ingress).toMatchObject({
      backchannelLogout: [{ issuer: "main", audiences: ["shop"] }],
      ssf: [
        {
          id: "risk",
          jwks: { kind: "file", path: "/etc/t.json" },
          algorithms: ["RS256"],
          clockSkewMs: 5_000,
          revokes: "main",
        },
      ],
      subjectFormats: ["email"],
    });
  });

  it.each([
    [
      `ssf: [{ ${SSF} { file: t.json }, poll: { url: "http://t.example.com/p", bearerFile: none } }]`,
      'ingress.ssf[0].poll.url  is "http://t.example.com/p": plain http, whose bearer token anyone on the way can read',
    ],
    [
      `ssf: [{ ${SSF} { file: t.json }, poll: { url: "https://t.example.com/p", bearerFile: none } }]`,
      'ingress.ssf[0].poll.bearerFile  is "none": the file does not exist',
    ],
    [
      `ssf: [{ ${SSF} { file: t.json }, verification: { url: "https://t.example.com/p", bearerFile: none } }]`,
      "ingress.ssf[0].verification.streamId  is missing",
    ],
    ["backchannelLogout: [{ issuer: main }]", "ingress.backchannelLogout[0].audiences  is missing"],
    ["backchannelLogout: [{ audiences: [a] }]", "ingress.backchannelLogout[0].issuer  is missing"],
    [
      "backchannelLogout: [{ issuer: other, audiences: [a] }]",
      'ingress.backchannelLogout[0].issuer  is "other": no issuer has this id',
    ],
    [
      "backchannelLogout: [{ issuer: main, audiences: [a] }, { issuer: main, audiences: [b] }]",
      'ingress.backchannelLogout[1].issuer  is "main": the same as ingress.backchannelLogout[0].issuer',
    ],
    ["ssf: [{ id: risk, issuer: https://t.example.com, audiences: [p] }]", "ingress.ssf[0].jwks  is missing"],
    [`ssf: [{ ${SSF} {} }]`, "ingress.ssf[0].jwks  has no source"],
    [`ssf: [{ ${SSF} { file: a, url: "https://t/j" } }]`, "ingress.ssf[0].jwks  has both sources"],
    [
      `ssf: [{ ${SSF} { url: "http://t.example.com/jwks" } }]`,
      'ingress.ssf[0].jwks.url  is "http://t.example.com/jwks": plain http, whose keys anyone on the way can replace',
    ],
    [`ssf: [{ ${SSF} { discovery: true } }]`, "ingress.ssf[0].jwks.discovery  is no known key"],
    [`ssf: [{ ${SSF} { file: a }, revokes: other }]`, 'ingress.ssf[0].revokes  is "other": no issuer has this id'],
    [
      `ssf: [{ ${SSF} { file: a } }, { ${SSF} { file: a } }]`,
      'ingress.ssf[1].id  is "risk": the same as ingress.ssf[0].id',
    ],
    ["subjectFormats: [opaque]", 'ingress.subjectFormats[0]  is "opaque"'],
    ["poll: true", "ingress.poll  is no known key"],
  ])("%s is refused", (line, problem) => {
    expect(problemsWith(`ingress:\n  ${line}\n`).join("\n")).toContain(problem);
  });

  it("asks whose tokens a transmitter speaks of, where there are several issuers", () => {
    const issuer = (id: string) => `  - { issuer: "https://${id}", id: ${id}, jwks: { file: j }, audiences: [a] }\n`;
    const text = `issuers:\n${issuer("one")}${issuer("two")}ingress: { ssf: [{ ${SSF} { file: a } }] }\n`;
    expect(problemsIn(text).join("\n")).toContain("ingress.ssf[0].revokes  is missing");
  });

  it("warns of a key file that is not there", () => {
    expect(warningsWith(`ingress: { ssf: [{ ${SSF} { file: nowhere.json } }] }\n`)).toContain(
      "ingress.ssf[0].jwks.file  the file does not exist",
    );
  });
});
