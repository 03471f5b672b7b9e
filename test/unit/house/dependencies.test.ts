// Holds what is installed to what is allowed: exact versions, known licences, no code that runs by being installed.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface LockedPackage {
  readonly license?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
const root = packages[""];
const installed = Object.entries(packages).filter(
  ([path, { link }]) => path.startsWith("node_modules/") && link !== true,
);

/** Permissive ones; they ask for their text to go along, which node_modules has. */
const ALLOWED = new Set(["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "BlueOak-1.0.0"]);
/** Of files that nobody is handed: copyleft by file, in tools that only check. */
const ALLOWED_IN_DEVELOPMENT = new Set([...ALLOWED, "MPL-2.0"]);

test("every package has a licence that is allowed where it is used", () => {
  expect(installed.length).toBeGreaterThan(100);
  const wrong = installed.filter(([, { license, dev }]) => {
    return !(dev === true ? ALLOWED_IN_DEVELOPMENT : ALLOWED).has(license ?? "");
  });
  expect(wrong.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
});

test("what we ask for is asked for exactly, and what is installed is known by its hash", () => {
  const asked = { ...root?.dependencies, ...root?.devDependencies, ...root?.optionalDependencies };
  expect(Object.entries(asked).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  expect(installed.filter(([, { integrity }]) => !integrity?.startsWith("sha512-")).map(([path]) => path)).toEqual([]);
});

test("nothing runs code of its own when it is installed, here or in the image", () => {
  expect(readFileSync(".npmrc", "utf8")).toBe("ignore-scripts=true\n");
  const installs = [...readFileSync("Dockerfile", "utf8").matchAll(/^RUN npm ci (.*)/gm)].map(
    ([, options = ""]) => options,
  );
  expect(installs).toHaveLength(2);
  expect(installs.filter((options) => !options.includes("--ignore-scripts"))).toEqual([]);
});

test("each action of a workflow is pinned to a commit, and no job may more than it says", () => {
  for (const name of ["ci", "release"]) {
    const workflow = readFileSync(`.github/workflows/${name}.yml`, "utf8");
    const used = [...workflow.matchAll(/uses: (\S+)/g)].map(([, action = ""]) => action);
    expect(used.length).toBeGreaterThan(1);
    expect(used.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
    expect(workflow).toMatch(/^permissions: \{\}$/m);
  }
});
