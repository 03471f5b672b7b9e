// A transport in a process of its own, so that its memory can be told from the attacker's: echoes Checks, as
// echo-checks.ts says. Arguments: the transport's name, and its options as JSON.
import { createEchoChecks } from "./echo-checks.ts";
import { TRANSPORTS } from "./transports.ts";

const [name, options = "{}"] = process.argv.slice(2);
const create = TRANSPORTS.find(([known]) => known === name)?.[1];
if (create === undefined) throw new Error(`no transport ${name}`);
const checks = createEchoChecks();
const transport = create({
  listen: ["127.0.0.1:0"],
  checks: checks.handler,
  log: { warn: (event, fields) => console.log(event, JSON.stringify(fields)) },
  ...(JSON.parse(options) as object),
});
const [address] = await transport.start();
transport.setServing(true);
process.on("SIGUSR2", () => {
  console.log(`held ${checks.held.length}`);
  checks.release();
});
console.log(`listening on ${address}`);
