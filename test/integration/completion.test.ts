// What the shells themselves make of the completion scripts. bash is everywhere; zsh and fish are asked where they are
// installed, and everywhere all scripts are held to the commands there are.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TARGET_KINDS } from "../../src/core/target.ts";
import { runHere } from "../support/command.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

const folder = mkdtempSync(join(tmpdir(), "portcullis-completion-"));
const scripts: Record<Shell, string> = { bash: "", zsh: "", fish: "" };
beforeAll(async () => {
  for (const shell of SHELLS) {
    scripts[shell] = (await runHere(["completion", shell])).out;
    writeFileSync(join(folder, shell), scripts[shell]);
  }
  mkdirSync(join(folder, "here"));
  for (const name of ["one.yaml", "two words.yaml"]) writeFileSync(join(folder, "here", name), "");
});
afterAll(() => rmSync(folder, { recursive: true }));

const inFolder = { cwd: join(folder, "here"), encoding: "utf8" } as const;

/** What bash's own function finds for `words`, cut as readline cuts them. */
function inBash(...words: readonly string[]): readonly string[] {
  const script = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _portcullis; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ["--norc", "-c", script, join(folder, "bash"), "portcullis", ...words];
  return linesOf(execFileSync("bash", args, inFolder));
}

/** What fish offers for a line. */
function inFish(...words: readonly string[]): readonly string[] {
  const script = 'source $argv[1]; complete -C "$argv[2]"';
  const args = ["--no-config", "-c", script, join(folder, "fish"), ["portcullis", ...words].join(" ")];
  return linesOf(execFileSync("fish", args, { ...inFolder, env: { ...process.env, HOME: folder } })).map(
    (line) => line.split("\t")[0] ?? "",
  );
}

/** What an interactive zsh offers for a line: each match is written between marks, as zsh's own tests do. */
function inZsh(...words: readonly string[]): readonly string[] {
  const script = `
    zmodload zsh/zpty
    zpty inner zsh -f -i
    zpty -w inner 'PROMPT= RPROMPT= TERM=dumb; stty 38400 columns 200 rows 200; LISTMAX=9999; setopt no_list_packed'
    zpty -w inner "autoload -U compinit; compinit -u -D; source $1"
    zpty -w inner 'zstyle ":completion:*" list-colors "no=<M>" "fi=<M>" "lc=" "rc=" "ec=</M>"; zstyle ":completion:*" verbose no'
    zpty -w inner 'finish() { zle kill-buffer; print "<FIN""ISHED>"; zle -I }; zle -N finish; bindkey "^X" finish; bindkey "^I" list-choices; print READ""Y'
    zpty -r -m inner line '*READY*'
    zpty -w -n inner "$2"$'\\t\\C-X'
    zpty -r -m inner line '*<FINISHED>*'
    print -r -- "$line"
    zpty -d inner`;
  const args = ["-f", "-c", script, "zsh", join(folder, "zsh"), ["portcullis", ...words].join(" ")];
  const written = execFileSync("zsh", args, { ...inFolder, timeout: 20_000 });
  return [...written.matchAll(/<M>([^<]*?)\s*<\/M>/g)].map(([, match = ""]) => match);
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

const ASKED: readonly (readonly [Shell, (...words: readonly string[]) => readonly string[]])[] = [
  ["bash", inBash],
  ["zsh", inZsh],
  ["fish", inFish],
];
const installed = ASKED.filter(([shell]) => spawnSync(shell, ["--version"]).status === 0);

describe.each(installed)("%s completes", (_, offered) => {
  test("commands, all and by their beginning", () => {
    const all = offered("");
    for (const command of ["serve", "revoke", "check-config", "doctor", "completion"]) expect(all).toContain(command);
    expect(offered("unr").map((match) => match.trim())).toEqual(["unrevoke"]);
  });

  test("the options of a command, and no other's", () => {
    const found = offered("status", "--").map((match) => match.replace(/[= ].*$/, ""));
    expect(found.toSorted()).toEqual(["--help", "--json", "--ops"]);
  });

  test("KINDs as an argument and as a value", () => {
    expect([...offered("revoke", "")].toSorted()).toEqual([...TARGET_KINDS].toSorted());
    expect([...offered("list", "--kind", "")].toSorted()).toEqual([...TARGET_KINDS].toSorted());
    expect(offered("revoke", "--reason", "stolen", "se")).toEqual(["session"]);
    expect(offered("revoke", "user", "")).not.toContain("session");
  });

  test("levels, shells and files where they belong", () => {
    expect([...offered("revoke", "user", "alice", "--wait", "")].toSorted()).toEqual(["fleet", "replicated", "stored"]);
    expect([...offered("completion", "")].toSorted()).toEqual(["bash", "fish", "zsh"]);
    for (const words of [
      ["serve", "--config", "one"],
      ["check-config", "one"],
    ])
      expect(offered(...words)).toEqual(["one.yaml"]);
  });
});

test("bash completes --option=value, which readline cuts in three, and names with spaces", () => {
  expect(inBash("revoke", "user", "alice", "--wait", "=", "st")).toEqual(["stored"]);
  expect(inBash("revoke", "--wait", "=", "stored", "us")).toEqual(["user"]);
  expect(inBash("revoke", "--wait", "=")).toEqual(["stored", "replicated", "fleet"]);
  expect(inBash("revoke", "--reason", "user", "se")).toEqual(["session"]);
  expect(inBash("serve", "--config", "two")).toEqual(["two words.yaml"]);
});

test.each(SHELLS)("the script of %s names every command and every option", async (shell) => {
  const commands = linesOf((await runHere(["--help"])).out.split("\nExamples:")[0] ?? "").flatMap(
    (line) => /^ {2}([a-z][a-z-]*) /.exec(line)?.[1] ?? [],
  );
  expect(commands.length).toBeGreaterThan(10);
  for (const command of commands) {
    expect(scripts[shell]).toContain(command);
    const { out } = await runHere([command, "--help"]);
    for (const [, option = ""] of out.matchAll(/^ {2}(?:-h, )?--([a-z-]+)/gm))
      expect(scripts[shell]).toMatch(new RegExp(`(?:--| -l )${option}\\b`));
  }
});

test("a shell that nobody knows is a usage error", async () => {
  expect(await runHere(["completion", "tcsh"])).toMatchObject({ code: 2, out: "" });
});
