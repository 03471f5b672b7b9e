// What is mutated, room by room, and the tests that must notice. ROOM names one; run from the top of the checkout.
// Each room has its own run, so that the slow tests of one are not asked about the mutants of another.
import { ROOMS } from "./rooms.mjs";

const name = process.env.ROOM ?? "";
const room = ROOMS[name];
if (room === undefined) throw new Error(`ROOM is "${name}"; it must be one of ${Object.keys(ROOMS).join(", ")}`);

export default {
  mutate: room.mutate,
  testRunner: "vitest",
  vitest: { configFile: "tools/mutation/vitest.config.mjs" },
  plugins: ["@stryker-mutator/vitest-runner"],
  // Stryker rewrites the file it finds, with the API of a TypeScript before 7: a name that no file has keeps it away.
  tsconfigFile: "tsconfig.that-no-file-has.json",
  coverageAnalysis: "perTest",
  concurrency: 2,
  timeoutMS: 20_000,
  thresholds: { high: 95, low: 90, break: 90 },
  reporters: ["clear-text", "progress-append-only", "json"],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, allowEmojis: false },
  jsonReporter: { fileName: `.cache/mutation/${name}.json` },
  tempDirName: ".cache/mutation/sandboxes",
  ignorePatterns: [".cache", "dist", "dashboard", "deploy", "docs", "coverage", "tools/mutation/node_modules"],
  allowEmpty: false,
};
