// What `make bench-check` compares, in repositories of a test's own; and that it says so where there is nothing to compare.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NothingToCompare, openTrees } from "../../../bench/check/trees.ts";

let folder: string;
let project: string;

const git = (...argv: readonly string[]): string =>
  execFileSync("git", ["-C", project, "-c", "user.name=test", "-c", "user.email=test@example.com", ...argv], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();

function commit(text: string): string {
  writeFileSync(join(project, "src/code.ts"), text);
  writeFileSync(join(project, "bench/work.ts"), text);
  git("add", "src", "bench", "package-lock.json");
  git("commit", "--quiet", "-m", text);
  return git("rev-parse", "HEAD").slice(0, 7);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "portcullis-trees-"));
  project = join(folder, "project");
  for (const name of ["src", "bench", "node_modules"]) mkdirSync(join(project, name), { recursive: true });
  writeFileSync(join(project, "package-lock.json"), "{}");
  git("init", "--quiet", "--initial-branch", "main");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("where there is no commit, or only one, nothing can be compared, and that is said", () => {
  expect(() => openTrees(project, undefined, undefined)).toThrow(/no commit yet/);
  commit("first");
  expect(() => openTrees(project, undefined, undefined)).toThrow(NothingToCompare);
  expect(() => openTrees(project, undefined, undefined)).toThrow(/first commit/);
});

test("a shallow clone that ends here says how to deepen it", () => {
  commit("first");
  commit("second");
  const shallow = join(folder, "shallow");
  execFileSync("git", ["clone", "--quiet", "--depth", "1", `file://${project}`, shallow], { stdio: "ignore" });
  expect(() => openTrees(shallow, undefined, undefined)).toThrow(/--unshallow/);
});

test("a commit that is not here is told by its name", () => {
  commit("first");
  expect(() => openTrees(project, undefined, "no-such")).toThrow(/no commit no-such/);
});

test("a branch is compared with where it left main, by its own workload, and leaves nothing behind", () => {
  const base = commit("base");
  git("checkout", "--quiet", "-b", "change");
  const head = commit("change");
  const trees = openTrees(project, undefined, undefined);
  expect([trees.base.name, trees.head.name, trees.head.folder]).toEqual([base, head, project]);
  expect(readFileSync(join(trees.base.folder, "src/code.ts"), "utf8")).toBe("base");
  expect(readFileSync(join(trees.base.folder, "bench/work.ts"), "utf8")).toBe("change");
  expect(existsSync(join(trees.base.folder, "node_modules"))).toBe(true);
  trees.base.remove();
  expect(existsSync(trees.base.folder)).toBe(false);
  expect(git("worktree", "list").split("\n")).toHaveLength(1);
});

test("on main a change that is not committed is compared with the last commit, and that with the one before it", () => {
  const [first, second] = [commit("first"), commit("second")];
  const committed = openTrees(project, undefined, undefined);
  committed.base.remove();
  writeFileSync(join(project, "src/code.ts"), "third");
  const changed = openTrees(project, undefined, undefined);
  changed.base.remove();
  expect([committed.base.name, committed.head.name]).toEqual([first, second]);
  expect([changed.base.name, changed.head.name]).toEqual([second, `${second}+`]);
});
