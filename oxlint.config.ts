// What the linter holds this code to. Its first part is the plan of the house: who may import whom, and which room alone
// may use which library. test/unit/house/import-rules.test.ts proves that a forbidden import is noticed.
import type { OxlintConfig, OxlintOverride } from "oxlint";

interface Room {
  /** Rooms it may import from; its own files are always free to it. */
  readonly rooms: readonly string[];
  /** Rooms it may import nothing but types from. */
  readonly typesOf?: readonly string[];
  /** Third-party packages it may use, `@scope/*` for a whole scope, and node:sqlite. */
  readonly libraries?: readonly string[];
  /** False: not even node:*. */
  readonly node?: false;
}

/** By folder under src/. Files of a folder that is not listed may import nothing but each other. */
const ROOMS_BELOW_COMMANDS: Readonly<Record<string, Room>> = {
  core: { rooms: [], node: false },
  policy: { rooms: ["core"] },
  resilience: { rooms: ["core"] },
  config: { rooms: ["core"], libraries: ["yaml", "zod"] },
  telemetry: { rooms: ["core"], libraries: ["@opentelemetry/*", "prom-client", "pino"] },
  lifecycle: { rooms: ["core"] },
  ops: { rooms: ["core"] },
  doctor: { rooms: ["core"] },
  token: { rooms: ["core", "resilience"], libraries: ["jose", "lru-cache"] },
  revocation: { rooms: ["core", "resilience"] },
  "revocation/redis": { rooms: ["core", "resilience"], libraries: ["ioredis"] },
  "revocation/embedded": { rooms: ["core", "resilience"], libraries: ["node:sqlite"] },
  "revocation/relay": { rooms: ["core", "resilience"], libraries: ["ws"] },
  "revocation/record": { rooms: ["core", "resilience"], libraries: ["pg"] },
  "ext-authz": { rooms: ["core", "policy", "resilience"], typesOf: ["token", "revocation"], libraries: ["@grpc/*"] },
  control: { rooms: ["core", "policy", "revocation", "token"], libraries: ["fastify", "@fastify/*", "openid-client"] },
  "control/kafka": { rooms: ["core", "revocation", "token"], libraries: ["@platformatic/kafka"] },
};

const ALL_ROOMS = Object.keys(ROOMS_BELOW_COMMANDS).filter((name) => !name.includes("/"));
const ROOMS: Readonly<Record<string, Room>> = {
  ...ROOMS_BELOW_COMMANDS,
  commands: { rooms: ALL_ROOMS, libraries: ["commander"] },
};

const WHO_IMPORTS_WHOM = "see docs/architecture.md, who imports whom";

/**
 * The rule for files that lie `depth` folders below src/. The engine of `regex` knows no look-ahead (and says nothing
 * when it meets one), so what is free is written as exceptions, the last match counting.
 */
function importRule(files: string, room: Room, depth: number): OxlintOverride {
  const src = "../".repeat(depth);
  const typesOf = room.typesOf ?? [];
  const free = [
    ...[...room.rooms, ...typesOf].map((name) => `!${src}${name}/**`),
    ...(room.node === false ? [] : ["!node:*", "!node:*/**", "node:process", "node:sqlite"]),
    ...(room.libraries ?? []).flatMap((name) => [`!${name}`, `!${name}/**`]),
  ];
  const ownRoom = depth === 2 ? ["!../**", "../../**"] : [];
  return {
    files: [files],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            ...typesOf.map((name) => ({
              regex: `^${src.replaceAll(".", "\\.")}${name}/`,
              allowTypeImports: true,
              message: `only the types of ${name} may be used here; ${WHO_IMPORTS_WHOM}`,
            })),
            { regex: "(?:[^./]|^\\.)/\\.\\./", message: "a path goes up at its start only" },
            { group: ["*", "!./**", ...ownRoom, ...free], message: `not from here; ${WHO_IMPORTS_WHOM}` },
          ],
        },
      ],
    },
  };
}

function roomRules([name, room]: readonly [string, Room]): OxlintOverride[] {
  if (name.includes("/")) return [importRule(`src/${name}/*`, room, 2)];
  return [importRule(`src/${name}/*`, room, 1), importRule(`src/${name}/*/*`, room, 2)];
}

const houseRules: OxlintOverride[] = [
  importRule("src/**", { rooms: [], node: false }, 1),
  importRule("src/main.ts", { rooms: [], libraries: ["commander", "node:process"] }, 0),
  ...Object.entries(ROOMS).flatMap(roomRules),
  {
    files: ["src/**"],
    excludeFiles: ["src/main.ts"],
    rules: {
      // main.ts alone reads argv and the environment, exits and hears signals; others get values passed in.
      "no-restricted-globals": ["error", "process"],
      "no-restricted-properties": ["error", { object: "globalThis", property: "process" }],
    },
  },
  {
    files: ["src/**"],
    rules: {
      "no-console": "error",
      "max-lines": ["error", { max: 250, skipBlankLines: true, skipComments: true }],
      // Functions aim at 50 lines; 100, for the closures of a factory count into it.
      "max-lines-per-function": ["error", { max: 100, skipBlankLines: true, skipComments: true }],
      // A switch counts once: an exhaustive one is a table, not a maze.
      complexity: ["error", { max: 10, variant: "modified" }],
      "import/no-default-export": "error",
      "typescript/explicit-module-boundary-types": "error",
    },
  },
];

/** The page: it runs in a browser, and knows the control plane by its API alone. */
const pageRules: OxlintOverride = {
  files: ["dashboard/src/**"],
  plugins: ["eslint", "typescript", "unicorn", "oxc", "import", "promise", "react", "jsx-a11y"],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            group: ["*", "!./**", "!../**", "../../**", "!preact", "!preact/hooks", "!uplot", "!uplot/**"],
            message: "not from here",
          },
        ],
      },
    ],
    "no-console": "error",
    "max-lines": ["error", { max: 250, skipBlankLines: true, skipComments: true }],
    "max-lines-per-function": ["error", { max: 100, skipBlankLines: true, skipComments: true }],
    complexity: ["error", { max: 15, variant: "modified" }], // a view's conditions count, one for each thing shown or not
    "import/no-default-export": "error",
    "import/no-unassigned-import": ["error", { allow: ["**/*.css"] }],
    "react-hooks/exhaustive-deps": "off", // an effect runs when what it names changes, not when a function is made anew
    "jsx-a11y/prefer-tag-over-role": "off", // an output is for a calculation's result, and has no paragraphs
    "jsx-a11y/no-noninteractive-tabindex": "off", // what scrolls must be reached by keyboard (WCAG 2.1.1)
    "react/immutability": "off", // a ref is what an effect keeps its chart in
    "react/react-in-jsx-scope": "off", // Preact's automatic runtime
    "react/no-unknown-property": "off", // Preact takes HTML's own names: class, for
  },
};

const config: OxlintConfig = {
  plugins: ["eslint", "typescript", "unicorn", "oxc", "import", "promise", "node", "vitest"],
  categories: { correctness: "error", suspicious: "error", perf: "error" },
  ignorePatterns: ["node_modules", "dist", ".cache", "coverage"],
  rules: {
    // Promises: each has an owner.
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/return-await": ["error", "error-handling-correctness-only"],
    "promise/no-return-wrap": "error",
    // Types: nothing escapes them, and a new member of a union breaks the build until someone decides.
    "typescript/no-explicit-any": "error",
    "typescript/no-non-null-assertion": "error",
    "typescript/switch-exhaustiveness-check": [
      "error",
      { allowDefaultCaseForExhaustiveSwitch: false, requireDefaultForNonUnion: true },
    ],
    "typescript/only-throw-error": "error",
    "typescript/prefer-readonly": "error",
    "typescript/consistent-type-imports": "error",
    // Imports.
    "import/no-cycle": "error",
    "import/no-self-import": "error",
    "import/no-duplicates": "error",
    "import/no-mutable-exports": "error",
    "oxc/no-barrel-file": "error",
    "unicorn/prefer-node-protocol": "error",
    // Words.
    eqeqeq: "error",
    "no-var": "error",
    "prefer-const": "error",
    "no-param-reassign": "error",
    // Off, each for its reason.
    "no-await-in-loop": "off", // what is awaited in turn here is meant to happen in turn
    "typescript/consistent-return": "off", // tsc's noImplicitReturns knows exhaustive switches; this does not
    "typescript/no-unsafe-type-assertion": "off", // parsed and branded values are narrowed at the edges; any is banned
    "typescript/unbound-method": "off", // objects here are closures, without a this to lose
    "import/no-named-as-default-member": "off", // fast-check is used by its default export, as its guide does
    "unicorn/require-post-message-target-origin": "off", // of windows; there are only workers here
  },
  overrides: [
    ...houseRules,
    pageRules,
    {
      files: ["test/**"],
      rules: {
        "max-lines": ["error", { max: 400, skipBlankLines: true, skipComments: true }],
        "oxc/no-map-spread": "off", // speed is no concern there
        "typescript/no-misused-spread": "off", // test strings are spread into characters on purpose
        "vitest/no-conditional-expect": "off", // the table of a table-driven test says which expectation holds
        // test/support/redis-test.ts makes a `test` with fixtures.
        "vitest/no-standalone-expect": ["error", { additionalTestBlockFunctions: ["test"] }],
        "vitest/expect-expect": [
          "error",
          { assertFunctionNames: ["expect*", "expect.**", "fc.assert", "until", "observed.until*"] },
        ],
        "unicorn/consistent-function-scoping": "off", // a stand-in is best read where it is used
        "vitest/valid-expect": ["error", { maxArgs: 2 }], // the second says what failed
      },
    },
  ],
};

export default config;
