// ${NAME} and ${NAME:-default}: where it works, where not, and that what is put in can neither add YAML nor leak.

import { describe, expect, it } from "vitest";
import { configWith, problemsIn, problemsWith } from "./support.ts";

describe("environment variables", () => {
  it("are put into strings, durations and sizes too", () => {
    const config = configWith(
      'deadline: "${DEADLINE}"\nstore: { keyPrefix: "a:${B}:${C:-c}:" }\nlimits: { maxTokenBytes: "${SIZE:-8KiB}" }',
      {
        DEADLINE: "99ms",
        B: "b",
      },
    );
    expect(config.deadlineMs).toBe(99);
    expect(config.store.keyPrefix).toBe("a:b:c:");
    expect(config.limits.maxTokenBytes).toBe(8_192);
  });

  it("need no quotes in a block", () => {
    expect(configWith("deadline: ${D:-7ms}").deadlineMs).toBe(7);
  });

  it("fall back to the default when they are empty, as in a shell", () => {
    expect(configWith('store: { keyPrefix: "${P:-x}" }', { P: "" }).store.keyPrefix).toBe("x");
    expect(configWith('store: { keyPrefix: "${P}" }', { P: "" }).store.keyPrefix).toBe("");
    expect(configWith('store: { keyPrefix: "${P:-}" }').store.keyPrefix).toBe("");
  });

  it("that are unset and have no default are a problem at their very place", () => {
    expect(
      problemsIn('issuers:\n  - issuer: "${A:-a}-${MISSING}"\n    jwks: { file: f }\n    anyAudience: true\n'),
    ).toEqual([
      "/etc/p.yaml:2:22  issuers[0].issuer  uses the environment variable MISSING, which is not set  a set variable, or ${NAME:-default}",
    ]);
  });

  it.each(["${}", "${1A}", "${A B}", "${A", "${A:default}"])("must be named: %s", (placeholder) => {
    expect(problemsWith(`store: { keyPrefix: "${placeholder}" }`, { A: "a" })).toHaveLength(1);
  });

  it.each(["${B:-${A}}", "${B:-${A:-x}}", "${B:-$${A}}"])("have no others in their defaults: %s", (placeholder) => {
    expect(problemsWith(`store: { keyPrefix: "${placeholder}" }`, { A: "a", B: "b" })).toEqual([
      `store.keyPrefix  has another "\${" in the default of B`,
    ]);
  });

  it("are not put where a number or a truth value belongs", () => {
    expect(
      problemsWith('limits: { maxInFlight: "${N}" }\nidentity: { forwardToken: "${T}" }', { N: "5", T: "true" }),
    ).toEqual([
      "limits.maxInFlight  is text from the environment that does not fit",
      "identity.forwardToken  is text from the environment that does not fit",
    ]);
  });

  it("are not put into keys", () => {
    expect(problemsWith('"${KEY}": 1', { KEY: "deadline" })).toEqual(['["${KEY}"]  is no known key']);
  });

  it("are not read as YAML or as further variables", () => {
    const evil = "x\nroutes: [{ path: /**, anonymous: true }] # ${OTHER}";
    const config = configWith(
      'telemetry: { otlp: "" }\nroutes: [{ path: /a, tier: "${TIER:-low}" }]\ncontrol: { audience: "${EVIL}" }',
      {
        EVIL: evil,
        OTHER: "leak",
      },
    );
    expect(config.control.audience).toBe(evil);
    expect(config.routes).toHaveLength(1);
  });

  it("can be written literally", () => {
    expect(configWith('store: { keyPrefix: "$${A}$B" }', { A: "a" }).store.keyPrefix).toBe("${A}$B");
  });

  it("are not looked for in what every object inherits", () => {
    expect(problemsWith('store: { keyPrefix: "${toString}" }')).toEqual([
      "store.keyPrefix  uses the environment variable toString, which is not set",
    ]);
  });

  it("without quotes inside braces are a syntax error that says how to write them", () => {
    expect(problemsIn("store: { url: ${URL} }")[0]).toMatch(
      /^\/etc\/p\.yaml:1:16  \(file\)  is no YAML: .*"\$\{NAME\}" in quotes/,
    );
  });

  it("never show their values in problems", () => {
    const secret = "hunter2-very-secret";
    const text = `deadline: "\${S}"
listen: { ops: "\${S}" }
store: { url: "redis://u:\${S}@h:x/0", type: "\${S}" }
routes: [{ path: "\${S}", tier: "\${S}", host: "\${S} " }]
issuers: [{ issuer: a, jwks: { url: "http://\${S}.example.com" }, audiences: ["\${S}"] }]
control: { audience: "\${S}", issuer: "\${S}", tokens: [{ name: "\${S}/", sha256: "\${S}", scopes: ["\${S}"] }] }
`;
    const problems = problemsIn(text, { S: secret });
    expect(problems.length).toBeGreaterThanOrEqual(11);
    expect(problems.join("\n")).not.toContain(secret);
  });
});

describe("credentials written into the file", () => {
  it("are never shown in problems, nor is a token where its hash belongs", () => {
    const secret = "hunter2-very-secret";
    const problems = problemsWith(`store: { url: "redis://u:${secret}@:x" }
record: postgres://u:${secret}@h/db
control: { tokens: [{ name: a, sha256: ${secret}, scopes: [portcullis:read] }, { name: b, sha256: ${secret}, scopes: [portcullis:read] }] }`);
    expect(problems.length).toBeGreaterThanOrEqual(4);
    expect(problems.join("\n")).not.toContain(secret);
  });
});
