// Every shell command of every page, typed as a reader would, against real parts: Redis, sidecar, control plane, Envoy,
// identity service. Each ends as it should and prints what its page says. They need the ports that the pages name.
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENDS_WITH, NOT_RUN, staleRows } from "../support/documented/exceptions.ts";
import { CHECKOUT, startLandscape } from "../support/documented/landscape.ts";
import { blocksOf, PAGES, type Block, type Command } from "../support/documented/pages.ts";
import { brokenPromise } from "../support/documented/promise.ts";
import { runInShell, type Outcome, type Typed } from "../support/documented/shell.ts";
import { sha256 } from "../support/identity.ts";
import { HAS_POSTGRES, startPostgres } from "../support/postgres-server.ts";
import { until } from "../support/wait.ts";

const PORTS = [8000, 8080, 8081, 8082, 9001, 9002, 9003, 9901];

/** Blocks that are run in one shell, one after another. */
interface Walk {
  readonly blocks: readonly Block[];
  readonly isSkipped?: boolean;
  start(): Promise<Surroundings>;
}

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What pages write, by what it is here. */
  readonly places: Readonly<Record<string, string>>;
  /** In shell: takes the reader to where a block is read. */
  readonly enter: string;
  stop(): Promise<void> | void;
}

const BLOCKS = PAGES.flatMap(blocksOf);
const isRunbook = (page: string): boolean => page.startsWith("docs/runbooks/");
const isUnder = (block: Block, ...titles: readonly string[]): boolean =>
  titles.some((title) => block.headings.includes(title));

const TUTORIAL = BLOCKS.filter(({ page }) => page === "docs/tutorial.md");
const FIRST_STEPS = [
  ...BLOCKS.filter(({ page, commands: [first] }) => page !== "README.md" && first?.text.startsWith("make ") === true),
  ...BLOCKS.filter((block) => isUnder(block, "Two commands", "Look around")),
];
const EXAMPLES = BLOCKS.filter(({ page }) => ["docs/identity-service.md", "docs/signed-identity.md"].includes(page));
const RECORD = BLOCKS.filter(({ page }) => page === "docs/record.md");
const APART = new Set([...TUTORIAL, ...FIRST_STEPS, ...EXAMPLES, ...RECORD]);
/** The README is first: it starts what the others ask. So is, of the runbooks, the page that says what they all need. */
const GUARDED = BLOCKS.filter((block) => !APART.has(block));

const WALKS: Readonly<Record<string, Walk>> = {
  "docs/tutorial.md, from nothing": {
    blocks: TUTORIAL,
    async start() {
      const folder = newFolder();
      return { env: {}, places: { "/tmp/my-service": folder }, enter: "", stop: () => remove(folder) };
    },
  },
  "README.md, the first steps": {
    blocks: FIRST_STEPS,
    async start() {
      const folder = newFolder();
      const places = { "/tmp/try": `${folder}/try`, "/path/to/portcullis": CHECKOUT };
      return { env: {}, places, enter: `cd '${folder}/try' 2>&- || true`, stop: () => remove(folder) };
    },
  },
  "what is run from a checkout: its examples": {
    blocks: EXAMPLES,
    async start() {
      const folder = newFolder();
      const token = "report-token-of-the-tests-with-more-than-32-bytes";
      const told = `apiTokens: [{ name: edge, sha256: ${sha256(token)}, right: report }]\n`;
      const configuration = "examples/identity-service/identity.yaml";
      writeFileSync(join(folder, "identity.yaml"), `${readFileSync(configuration, "utf8")}${told}`);
      for (const name of ["bin", "examples"]) symlinkSync(join(CHECKOUT, name), join(folder, name));
      return {
        env: { REPORT_TOKEN: token, DEMO_STORE: join(folder, "demo.db") },
        places: { [configuration]: "identity.yaml" },
        enter: `cd '${folder}'`,
        stop: () => remove(folder),
      };
    },
  },
  [`docs/record.md${HAS_POSTGRES ? "" : " (skipped: PostgreSQL is missing, see scripts/install-postgres)"}`]: {
    blocks: RECORD,
    isSkipped: !HAS_POSTGRES,
    async start() {
      const [postgres, landscape] = await Promise.all([startPostgres(), startLandscape()]);
      const { host } = new URL(postgres.url);
      const token = "operator-token-of-the-tests-with-more-than-32-bytes";
      return {
        ...landscape,
        env: { ...landscape.env, PORTCULLIS_TOKEN: token, CONTROL_TOKEN_SHA256: sha256(token) },
        places: {
          ...landscape.places,
          "postgres://admin@db.example.com/postgres": postgres.url,
          "db.example.com": host,
        },
        async stop() {
          await Promise.all([postgres.stop(), landscape.stop()]);
        },
      };
    },
  },
  "README.md, a guarded Envoy, and what other pages do with it": {
    blocks: GUARDED,
    start: startLandscape,
  },
};

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "portcullis-documented-"));
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Of a program that is none of the pages': what it answers would be taken for Portcullis'. */
async function takenPorts(): Promise<readonly number[]> {
  const taken = PORTS.map(async (port) => {
    const socket = connect(port, "127.0.0.1");
    const isTaken = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    return isTaken ? [port] : [];
  });
  return (await Promise.all(taken)).flat();
}

function isRun({ text }: Command): boolean {
  return !NOT_RUN.some(({ command }) => command.test(text));
}

/** What the runbooks have in common is looked at once. */
function firstOfKind(command: Command, blocks: readonly Block[]): Command {
  const runbooks = blocks.filter(({ page }) => isRunbook(page)).flatMap(({ commands }) => commands);
  return (runbooks.includes(command) ? runbooks.find(({ text }) => text === command.text) : undefined) ?? command;
}

/** The first page's shell is every other's, too; what these do to it is theirs alone. Runbooks share one. */
function typedBy(blocks: readonly Block[], enter: string): readonly (Command | Typed)[] {
  const shells = Map.groupBy(blocks, ({ page }) => (isRunbook(page) ? "runbooks" : page));
  return [...shells.values()].flatMap((own, index) => {
    const typed = own.flatMap(({ page, commands }, nth) => [
      { text: isRunbook(page) && nth > 0 ? "" : enter },
      ...commands.filter((command) => isRun(command) && firstOfKind(command, blocks) === command),
    ]);
    return index === 0 ? typed : [{ text: "(" }, ...typed, { text: ")" }];
  });
}

describe.each(Object.entries(WALKS))("%s", (_, { blocks, start, isSkipped = false }) => {
  describe.skipIf(isSkipped)("in one shell", () => {
    walk(blocks, start);
  });
});

function walk(blocks: readonly Block[], start: Walk["start"]): void {
  let surroundings: Surroundings;
  let outcomes: ReadonlyMap<string, Outcome>;
  beforeAll(async () => {
    // Those of the walk before drain.
    await until("the pages' ports to be free", async () => (await takenPorts()).length === 0, 20_000);
    surroundings = await start();
    const { env, places, enter } = surroundings;
    outcomes = await runInShell(typedBy(blocks, enter), env, places);
  }, 270_000);
  afterAll(() => surroundings.stop());

  const commands = blocks.flatMap((block) => block.commands.filter(isRun));
  test.each(commands)("$at: $text", (command) => {
    const { exitCode = 0 } = ENDS_WITH.find((row) => row.command.test(command.text)) ?? {};
    const outcome = outcomes.get(firstOfKind(command, blocks).at);
    expect(outcome?.exitCode, outcome?.output ?? "it was not come to").toBe(exitCode);
    const [, status] = /# (\d{3})$/.exec(command.text) ?? [];
    if (status !== undefined) expect(outcome?.output).toMatch(new RegExp(`^HTTP/1.1 ${status} `, "m"));
  });

  const promising = blocks.flatMap(({ commands: own, promised }) =>
    promised === undefined ? [] : [{ at: own[0]?.at, own, promised }],
  );
  test.each(promising)("$at prints what the page shows", ({ own, promised }) => {
    const printed = own.map(({ at }) => outcomes.get(at)?.output ?? "").filter((output) => output !== "");
    expect(brokenPromise(promised, printed.join("\n"))).toBeUndefined();
  });
}

test("every exception is still needed, and what checks it is there", () => {
  expect(staleRows(BLOCKS.flatMap(({ commands }) => commands.map(({ text }) => text)))).toEqual([]);
  const checks = NOT_RUN.flatMap(({ checkedBy }) => (checkedBy === undefined ? [] : [checkedBy]));
  expect(checks.filter((file) => !existsSync(file))).toEqual([]);
});
