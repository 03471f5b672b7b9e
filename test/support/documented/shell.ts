// Runs commands of pages in one shell, in their order, as a reader types them, and keeps what each printed.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProcess } from "../process.ts";
import { typedBefore, whatStays } from "./exceptions.ts";
import type { Command } from "./pages.ts";

export interface Outcome {
  /** Of the shell; undefined: it was not come to. 0 for what stays running. */
  readonly exitCode: number | undefined;
  readonly output: string;
}

/** What a reader does that is not on the page: in shell. */
export interface Typed {
  readonly text: string;
}

const MARK = "@@documented@@";

/** The shell leads a group of its own, and ends it whole. */
const BEGIN = `exec 2>&1
set -u -o pipefail
trap 'trap "" TERM; kill -- -$$; wait' EXIT`;

/** `commands` are run one after another, whatever becomes of each; what stays running is ended after the last. */
export async function runInShell(
  commands: readonly (Command | Typed)[],
  env: Readonly<Record<string, string | undefined>>,
  places: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, Outcome>> {
  const typed = commands.map((command) => ("at" in command ? marked(command, places) : command.text));
  const script = [BEGIN, ...typed].join("\n");
  const scratch = mkdtempSync(join(tmpdir(), "portcullis-shell-"));
  const shell = startProcess("bash", ["-c", script], {
    env: {
      SCRATCH: scratch,
      PORTCULLIS_TOKEN: undefined,
      PORTCULLIS_TOKEN_FILE: undefined,
      PORTCULLIS_CONTROL_URL: undefined,
      ...env,
    },
  });
  const timer = setTimeout(() => shell.signal("SIGTERM"), 240_000);
  await shell.end();
  clearTimeout(timer);
  rmSync(scratch, { recursive: true, force: true });
  return outcomesIn(shell.output());
}

/** Its output stands between two marks of its own. */
function marked({ at, text }: Command, places: Readonly<Record<string, string>>): string {
  let typed = text;
  for (const [shown, here] of Object.entries(places)) typed = typed.replaceAll(shown, here);
  const stays = whatStays(text);
  const run = stays === undefined ? typed : inBackground(typed, stays.until);
  return `${typedBefore(text)}\necho; echo '${MARK} begin ${at}'\n${run}\nended=$?; echo; echo "${MARK} $ended"`;
}

/** Waits until `condition`, for at most a minute, and fails where it ends before. */
function inBackground(typed: string, condition: string): string {
  return `stays=$(mktemp -p "$SCRATCH")
{ ${typed}
} > "$stays" 2>&1 &
deadline=$((SECONDS + 60)) seen=no
until ${condition} && seen=yes; do [ $SECONDS -lt $deadline ] && kill -0 $! || break; sleep 0.05; done
cat "$stays"
[ $seen = yes ] && kill -0 $!`;
}

function outcomesIn(output: string): ReadonlyMap<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  for (const part of output.split(`\n${MARK} begin `).slice(1)) {
    const [at = ""] = part.split("\n", 1);
    const [own = "", after = ""] = part.slice(at.length + 1).split(`\n${MARK} `);
    const exitCode = /^\d+/.exec(after)?.[0];
    outcomes.set(at, { output: own.trim(), exitCode: exitCode === undefined ? undefined : Number(exitCode) });
  }
  return outcomes;
}
