// The command line: which commands there are and what each takes. Every command's code is loaded when it is called.

import { Argument, Command, CommanderError, Option } from "commander";
import { TARGET_KINDS } from "../core/target.ts";
import { withoutTokens } from "../core/token-like.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { IMPORT_FORMATS } from "./import-formats.ts";
import { SHELLS } from "./shells.ts";

/** `args` without node and script. Resolves to the exit code; rejects only where a command has a bug. */
export async function runCli(args: readonly string[], outside: CommandIo): Promise<number> {
  // Messages quote what they were given, which may be a token in the wrong place.
  const io: CommandIo = { ...outside, err: (text) => outside.err(withoutTokens(text)) };
  let exitCode: number = EXIT.done;
  const finish = (code: number): void => {
    exitCode = code;
  };
  const program = new Command("portcullis")
    .description("Envoy ext_authz sidecar that verifies JWTs and knows whether they are revoked.")
    .version(io.version, "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showHelpAfterError("(add --help for what is known here)");
  addExamples(program, [
    "portcullis dev",
    "portcullis check-config portcullis.yaml",
    "portcullis serve --config portcullis.yaml",
  ]);
  addServers(program, io, finish);
  addRevocations(program, io, finish);
  addConfiguration(program, io, finish);
  addDoctor(program, io, finish);
  addCompletion(program, io, finish);
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}

type Finish = (exitCode: number) => void;

/** A subcommand takes the settings of `program` over from it (commander: copyInheritedSettings). */
function addCommand(program: Command, name: string, summary: string, examples: readonly string[]): Command {
  return addExamples(
    program
      .command(name)
      .summary(summary)
      .description(`${capitalized(summary)}.`),
    examples,
  );
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function addExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText("after", `\nExamples:\n${examples.map((example) => `  ${example}\n`).join("")}`);
}

function addServers(program: Command, io: CommandIo, finish: Finish): void {
  addCommand(program, "serve", "run the sidecar: gRPC ext_authz, gRPC health and ops HTTP", [
    "portcullis serve --config portcullis.yaml",
  ])
    .requiredOption("--config <file>", "the configuration")
    .action(async (options) => finish(await (await import("./serve.ts")).serve(options, io)));
  addCommand(program, "control", "run the control plane: the HTTP API and the dashboard", [
    "portcullis control --config portcullis.yaml",
  ])
    .requiredOption("--config <file>", "the configuration")
    .action(async (options) => finish(await (await import("./control.ts")).control(options, io)));
  addCommand(program, "dev", "run both in one process on the embedded store; needs no configuration", [
    "portcullis dev",
    "portcullis dev --config portcullis.yaml",
  ])
    .option("--config <file>", "the configuration")
    .action(async (options) => finish(await (await import("./dev.ts")).dev(options, io)));
}

function withControl(command: Command): Command {
  return command
    .addHelpText("after", `\n${TOKEN_HINT}`)
    .option("--control <url>", "the control plane (default: $PORTCULLIS_CONTROL_URL, else http://127.0.0.1:9003)")
    .option("--insecure", "send the token over plain http to another machine")
    .option("--json", "print JSON");
}

const TOKEN_HINT =
  "The token for the control plane comes from PORTCULLIS_TOKEN, or the file that\nPORTCULLIS_TOKEN_FILE names.";

const REVOKE_EXIT =
  "Exits with 0 when all of it is revoked, and with 1 when any of it is not: it failed, or\nwaits for another admin's approval.";

function addRevocations(program: Command, io: CommandIo, finish: Finish): void {
  withControl(
    addCommand(program, "revoke", "revoke a token, a session, a user, or more", [
      'portcullis revoke user alice --reason "left the company"',
      "portcullis revoke token --stdin --reason stolen < token.jwt",
      "portcullis revoke everything --reason 'signing key leaked'",
      'portcullis revoke session --batch stolen-sessions.txt --reason "laptop stolen"',
      "portcullis revoke --batch revocations.ndjson --json > done.ndjson",
    ]),
  )
    .addArgument(
      new Argument("[kind]", "what is revoked; not needed where the lines of a batch say it").choices(TARGET_KINDS),
    )
    .argument("[id]", "the jti, sid, sub, tenant, client id or kid; none for issuer and everything")
    .option("--reason <text>", "why, for the record; required, but for a batch whose lines have their own")
    .option("--issuer <id>", "short id of the issuer; of a token from standard input its own, unless named")
    .addOption(new Option("--wait <level>", "answer when it is so").choices(["stored", "replicated", "fleet"]))
    .option("--stdin", "revoke token: read the JWT from standard input")
    .option(
      "--batch <file>",
      "revoke what its lines ask for (- is standard input): with KIND an ID each, else JSON as POST /v1/revocations takes it",
    )
    .addHelpText("after", `\n${REVOKE_EXIT}`)
    .action(async (kind, id, options) => finish(await (await import("./revoke.ts")).revoke(kind, id, options, io)));
  addImport(program, io, finish);
  withControl(
    addCommand(program, "approve", "approve a revocation that another asked for", [
      'portcullis approve 019a9e3c-8f0e-7c4e-9d55-0d6f2f7b1a11 --reason "asked Ada, the key did leak"',
    ]),
  )
    .argument("<id>", "of what waits, as revoke printed it")
    .requiredOption("--reason <text>", "why, for the record")
    .action(async (id, options) => finish(await (await import("./approve.ts")).approve(id, options, io)));
  withControl(
    addCommand(program, "unrevoke", "lift a revocation", ["portcullis unrevoke 019a9e3c-8f0e-7c4e-9d55-0d6f2f7b1a11"]),
  )
    .argument("<id>", "the revocation's id, as revoke and list print it")
    .action(async (id, options) => finish(await (await import("./unrevoke.ts")).unrevoke(id, options, io)));
  withControl(
    addCommand(program, "list", "list live revocations", ["portcullis list --kind user", "portcullis list --json"]),
  )
    .addOption(new Option("--kind <kind>", "of this kind only").choices(TARGET_KINDS))
    .option("--issuer <id>", "of this issuer only")
    .option("--id <id>", "of this jti, sid, sub … only")
    .option("--limit <count>", "at most so many")
    .action(async (options) => finish(await (await import("./list.ts")).list(options, io)));
  withControl(
    addCommand(program, "watch", "follow revocations and lifts as they happen", [
      "portcullis watch",
      "portcullis watch --after 0 --json | jq .target",
    ]),
  )
    .option("--after <seq>", "begin with the events after this seq, 0 for all that are kept")
    .action(async (options) => finish(await (await import("./watch.ts")).watch(options, io)));
  addCommand(program, "status", "show store, breaker, keys and decisions of a sidecar", [
    "portcullis status",
    "portcullis status --ops http://10.0.0.7:9002 --json",
  ])
    .option("--ops <url>", "the sidecar's ops address (default: $PORTCULLIS_OPS_URL, else http://127.0.0.1:9002)")
    .option("--json", "print JSON")
    .action(async (options) => finish(await (await import("./status.ts")).status(options, io)));
}

function addImport(program: Command, io: CommandIo, finish: Finish): void {
  withControl(
    addCommand(program, "import", "revoke what a deny list of another shape holds", [
      "portcullis import --from csv revoked.csv --dry-run",
      "portcullis import --from redis --redis redis://10.0.0.5:6379 --key 'blacklist:{id}'",
      "portcullis import --from higress --redis redis://10.0.0.5:6379",
      "portcullis import --from krakend revoked.txt",
    ]),
  )
    .argument("[file]", "of csv and krakend; - is standard input")
    .addOption(new Option("--from <format>", "what holds the list").choices(IMPORT_FORMATS).makeOptionMandatory())
    .addOption(
      new Option("--kind <kind>", "what its ids name, where it does not say (default: token)").choices(TARGET_KINDS),
    )
    .option("--issuer <id>", "short id of the issuer, where it does not say")
    .option("--reason <text>", "why, for the record (default: imported from <format>)")
    .option("--redis <url>", "of redis and higress: the server that holds it (default: $PORTCULLIS_IMPORT_REDIS)")
    .option("--key <pattern>", "of redis and higress: its keys, with {id} and perhaps {issuer} in them")
    .option("--dry-run", "print what would be sent, as lines for revoke --batch, and send nothing")
    .addHelpText("after", `\n${REVOKE_EXIT}`)
    .action(async (file, options) => finish(await (await import("./import.ts")).importList(file, options, io)));
}

function addConfiguration(program: Command, io: CommandIo, finish: Finish): void {
  addCommand(program, "explain", "say which rule, tier, checks and verdict a request would get, and why", [
    "portcullis explain --config portcullis.yaml --method GET --path /api/orders",
    "portcullis explain --config portcullis.yaml --method POST --path /admin --token-stdin < token.jwt",
  ])
    .requiredOption("--config <file>", "the configuration")
    .requiredOption("--method <method>", "of the request")
    .requiredOption("--path <path>", "of the request, as it stands in the request line")
    .option("--header <k:v>", "a header of the request; may be repeated", collect)
    .option("--token-stdin", "read the bearer token from standard input")
    .option("--json", "print JSON")
    .action(async (options) => finish(await (await import("./explain.ts")).explain(options, io)));
  addCommand(program, "check-config", "print all problems of a configuration, with line numbers", [
    "portcullis check-config portcullis.yaml",
    "portcullis check-config portcullis.yaml --json",
  ])
    .argument("<file>", "the configuration")
    .option("--json", "print JSON")
    .action(async (file, options) => finish((await import("./check-config.ts")).checkConfig(file, options, io)));
  addCommand(program, "schema", "print the JSON Schema of the configuration", [
    "portcullis schema > portcullis.schema.json",
  ])
    .option("--json", "the schema is JSON in any case")
    .action(async () => finish((await import("./schema.ts")).printSchema(io)));
}

function addDoctor(program: Command, io: CommandIo, finish: Finish): void {
  addCommand(program, "doctor", "find the settings of an Envoy that make the guard unsafe or slow", [
    "portcullis doctor --envoy http://127.0.0.1:9901",
    "portcullis doctor --envoy http://127.0.0.1:9901 --config portcullis.yaml --json",
  ])
    .requiredOption("--envoy <url>", "its admin address; only /config_dump is read")
    .option(
      "--config <file>",
      "the sidecar's configuration, where its headers, deadline or limits are not the defaults",
    )
    .option("--json", "print JSON")
    .action(async (options) => finish(await (await import("./doctor.ts")).doctor(options, io)));
}

function addCompletion(program: Command, io: CommandIo, finish: Finish): void {
  addCommand(program, "completion", "print what a shell needs to complete this command line", [
    "portcullis completion bash > /etc/bash_completion.d/portcullis",
    "portcullis completion zsh > /usr/local/share/zsh/site-functions/_portcullis",
    "portcullis completion fish > ~/.config/fish/completions/portcullis.fish",
  ])
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .action(async (shell) => finish((await import("./completion.ts")).completion(shell, program, io)));
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
