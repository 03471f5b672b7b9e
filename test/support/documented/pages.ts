// The shell commands that the pages show, as a reader copies them. Never says whether one is right.
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";

export const PAGES: readonly string[] = ["*.md", "{docs,deploy,envoy,bench,examples}/**/*.md"]
  .flatMap((pattern) => globSync(pattern))
  .toSorted();

/** A fence of commands, and what the page says that they print. */
export interface Block {
  readonly page: string;
  /** The headings that it stands under, nearest last. */
  readonly headings: readonly string[];
  readonly commands: readonly Command[];
  /** The fence that follows with nothing between. */
  readonly promised: Promised | undefined;
}

export interface Promised {
  /** To the letter, or by the members of its JSON. */
  readonly as: "text" | "json";
  readonly text: string;
}

export interface Command {
  /** `page:line` of its first line. */
  readonly at: string;
  readonly text: string;
}

const SHELLS: ReadonlySet<string> = new Set(["sh", "bash", "console", "shell", "zsh"]);
const PART = /^(#+) (.+)$|^( *)```([^\n]*)\n([\s\S]*?)^\3```$/gm;

interface Fence {
  readonly headings: readonly string[];
  readonly language: string;
  readonly code: string;
  readonly line: number;
  /** Nothing but space is between this and the fence before. */
  readonly follows: boolean;
}

/** Every fence of a page. */
function fencesOf(text: string): readonly Fence[] {
  const fences: Fence[] = [];
  let headings: readonly string[] = [];
  let end = -1;
  for (const { 0: whole, index, 1: level, 2: title = "", 3: indent = "", 4: named = "", 5: body = "" } of text.matchAll(
    PART,
  )) {
    if (level !== undefined) {
      headings = [...headings.slice(0, level.length - 1), title];
      continue;
    }
    const code = body.replaceAll(new RegExp(`^${indent}`, "gm"), "");
    const follows = end >= 0 && text.slice(end, index).trim() === "";
    fences.push({
      headings,
      language: languageOf(named.trim(), code),
      code,
      line: text.slice(0, index).split("\n").length,
      follows,
    });
    end = index + whole.length;
  }
  return fences;
}

/** One that says nothing and begins like a command is for a shell. */
function languageOf(named: string, code: string): string {
  return named === "" && /^(?:\$ |curl |portcullis |redis-cli |make )/.test(code) ? "sh" : named;
}

export function blocksOf(page: string): readonly Block[] {
  const fences = fencesOf(readFileSync(page, "utf8"));
  return fences.flatMap(({ headings, language, code, line }, index) => {
    if (!SHELLS.has(language)) return [];
    return [
      { page, headings, commands: commandsOf(code, `${page}:`, line + 1), promised: promisedBy(fences[index + 1]) },
    ];
  });
}

function promisedBy(next: Fence | undefined): Promised | undefined {
  if (next?.follows !== true || !["text", "json"].includes(next.language)) return undefined;
  return { as: next.language === "json" || /^data: \{/m.test(next.code) ? "json" : "text", text: next.code };
}

/** A command is as few lines as a shell takes for something whole. */
function commandsOf(code: string, page: string, firstLine: number): readonly Command[] {
  const commands: Command[] = [];
  let lines: string[] = [];
  for (const [index, line] of code.trimEnd().split("\n").entries()) {
    if (lines.length === 0 && /^\s*(?:#|$)/.test(line)) continue;
    lines.push(line);
    const text = lines.join("\n");
    if (!isWhole(text)) continue;
    commands.push({ at: `${page}${firstLine + index - lines.length + 1}`, text });
    lines = [];
  }
  if (lines.length > 0) throw new Error(`${page}${firstLine}: no shell takes this: ${lines.join("\n")}`);
  return commands;
}

/** Bash reads on after a backslash, and warns of a here-document without its end. */
function isWhole(text: string): boolean {
  if (text.endsWith("\\")) return false;
  const { status, stderr } = spawnSync("bash", ["-n", "-c", text], { encoding: "utf8" });
  return status === 0 && stderr === "";
}
