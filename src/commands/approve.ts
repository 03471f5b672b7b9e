// `portcullis approve`: approves what another asked to revoke, through the control API.

import { controlClient, report, type ControlFlags } from "./control-client.ts";
import { EXIT, type CommandIo } from "./io.ts";
import type { RevocationAnswer } from "./revocation-line.ts";
import { printRevoked } from "./revoke.ts";

export async function approve(id: string, flags: ControlFlags, io: CommandIo): Promise<number> {
  if (id === "" || id === "." || id === "..")
    return report({ exitCode: EXIT.usage, message: "ID is that of what waits" }, io);
  const client = await controlClient(flags, io);
  if (!client.ok) return report(client.error, io);
  const answer = await client.value.call("POST", `v1/revocations/pending/${encodeURIComponent(id)}/approve`);
  if (!answer.ok) return report(answer.error, io);
  const revocation = answer.value as RevocationAnswer;
  if (flags.json === true) io.out(`${JSON.stringify(revocation)}\n`);
  else printRevoked(revocation, false, io);
  return EXIT.done;
}
