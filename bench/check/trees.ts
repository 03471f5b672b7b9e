// Finds the two trees that are compared, and checks the old one out beside ours: the same workload over each one's sources.
// It changes nothing in ours but git's list of work trees, which it puts back.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why nothing can be compared, for whoever asked. */
export class NothingToCompare extends Error {}

export interface Tree {
  readonly folder: string;
  /** Short; of a work tree with changes: with a `+`. */
  readonly name: string;
  remove(): void;
}

export interface Trees {
  readonly base: Tree;
  readonly head: Tree;
}

/** `head` undefined: the work tree as it is. `base` undefined: where it leaves origin/main, or main, or the last commit. */
export function openTrees(project: string, head: string | undefined, base: string | undefined): Trees {
  if (git(project, "rev-parse", "--verify", "--quiet", "HEAD") === undefined) {
    throw new NothingToCompare("there is no commit yet, so nothing to compare with");
  }
  const headCommit = commitOf(project, head ?? "HEAD");
  const isChanged =
    head === undefined && git(project, "status", "--porcelain", "--", "src", "package-lock.json") !== "";
  const baseCommit = base === undefined ? findBase(project, headCommit, isChanged) : commitOf(project, base);
  const own: Tree = { folder: project, name: short(headCommit) + (isChanged ? "+" : ""), remove: () => undefined };
  const headTree = head === undefined ? own : checkOut(project, headCommit);
  try {
    return { base: checkOut(project, baseCommit), head: headTree };
  } catch (error) {
    headTree.remove();
    throw error;
  }
}

function findBase(project: string, head: string, isChanged: boolean): string {
  for (const branch of ["origin/main", "main"]) {
    const base = git(project, "merge-base", head, branch);
    if (base !== undefined && base !== head) return base;
  }
  // We are on main: a change that is not committed is compared with the last commit, and that with the one before it.
  if (isChanged) return head;
  const parent = git(project, "rev-parse", "--verify", "--quiet", `${head}^`);
  if (parent !== undefined) return parent;
  const isShallow = git(project, "rev-parse", "--is-shallow-repository") === "true";
  throw new NothingToCompare(
    isShallow
      ? "this clone is shallow and ends at this commit: git fetch --unshallow, or name a commit: make bench-check BASE=…"
      : "this is the first commit, so there is nothing to compare with",
  );
}

function commitOf(project: string, name: string): string {
  const commit = git(project, "rev-parse", "--verify", "--quiet", `${name}^{commit}`);
  if (commit === undefined) throw new NothingToCompare(`there is no commit ${name} here`);
  return commit;
}

/** With our own bench/ over its own: what it is held to may be no other. */
function checkOut(project: string, commit: string): Tree {
  const folder = join(mkdtempSync(join(tmpdir(), "portcullis-bench-")), short(commit));
  const remove = (): void => {
    git(project, "worktree", "remove", "--force", folder);
    rmSync(join(folder, ".."), { recursive: true, force: true });
  };
  try {
    execFileSync("git", ["-C", project, "worktree", "add", "--quiet", "--detach", folder, commit], { stdio: "pipe" });
    installPackages(project, folder);
    rmSync(join(folder, "bench"), { recursive: true, force: true });
    cpSync(join(project, "bench"), join(folder, "bench"), { recursive: true });
  } catch (error) {
    remove();
    throw error;
  }
  return { folder, name: short(commit), remove };
}

/** Ours, where the lock file is the same; else its own. */
function installPackages(project: string, folder: string): void {
  const [ours, its] = [project, folder].map((tree) => readFileSync(join(tree, "package-lock.json"), "utf8"));
  const modules = join(project, "node_modules");
  if (ours === its && existsSync(modules)) symlinkSync(modules, join(folder, "node_modules"));
  else execFileSync("npm", ["ci", "--ignore-scripts", "--silent"], { cwd: folder, stdio: "pipe" });
}

function short(commit: string): string {
  return commit.slice(0, 7);
}

/** Undefined where git says no. */
function git(project: string, ...argv: readonly string[]): string | undefined {
  try {
    return execFileSync("git", ["-C", project, ...argv], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return undefined;
  }
}
