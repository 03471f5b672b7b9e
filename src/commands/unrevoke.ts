// `portcullis unrevoke`: lifts the revocation with this id through the control API.

import { controlClient, report, type ControlFlags } from "./control-client.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { printable } from "./printable.ts";

export async function unrevoke(id: string, flags: ControlFlags, io: CommandIo): Promise<number> {
  if (id === "" || id === "." || id === "..")
    return report({ exitCode: EXIT.usage, message: "ID is a revocation's id" }, io);
  const client = await controlClient(flags, io);
  if (!client.ok) return report(client.error, io);
  const answer = await client.value.call("DELETE", `v1/revocations/${encodeURIComponent(id)}`);
  if (!answer.ok) return report(answer.error, io);
  io.out(flags.json === true ? `${JSON.stringify({ id, lifted: true })}\n` : `lifted ${printable(id)}\n`);
  return EXIT.done;
}
