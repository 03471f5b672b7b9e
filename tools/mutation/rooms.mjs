// The rooms whose mutants must be noticed: their files, and the tests that are asked about them, in this order.
const files = (folder, ...names) => names.map((name) => `${folder}/${name}.ts`);
const tests = (folder, ...names) => names.map((name) => `test/${folder}/${name}.test.ts`);

export const ROOMS = {
  core: {
    mutate: ["src/core/*.ts"],
    tests: [
      ...tests("unit/core", "*"),
      ...tests("unit/policy", "route", "tier"),
      ...tests("unit/revocation", "guard", "judge"),
      ...tests("unit/ext-authz", "response"),
    ],
  },
  policy: {
    mutate: ["src/policy/*.ts"],
    tests: [...tests("unit/policy", "*"), ...tests("property", "path")],
  },
  resilience: {
    mutate: ["src/resilience/*.ts"],
    tests: [...tests("unit/resilience", "*"), ...tests("property", "breaker")],
  },
  claims: {
    mutate: files(
      "src/token",
      "base64url",
      "bearer",
      "claim-values",
      "claims",
      "compact-jws",
      "confirmation",
      "json",
      "token-kind",
    ),
    tests: tests("unit/token", "json", "base64url", "bearer", "compact-jws", "claims", "attack-tokens"),
  },
  guard: {
    mutate: files("src/revocation", "guard"),
    tests: tests("unit/revocation", "guard", "guard-replica"),
  },
};
