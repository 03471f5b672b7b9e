// `portcullis approve`: approves what another asked to revoke, through the control API.

import { controlClient, report, usage, type ControlFlags } from "./control-client.ts";
import { EXIT, type CommandIo } from "./io.ts";
import type { RevocationAnswer } from "./revocation-line.ts";
import { printRevoked } from "./revoke.ts";

export interface ApproveFlags extends ControlFlags {
  readonly reason: string;
}

export async function approve(id: string, flags: ApproveFlags, io: CommandIo): Promise<number> {
  if (id === "" || id === "." || id === "..")
    return report({ exitCode: EXIT.usage, message: "ID is that of what waits" }, io);
  if (flags.reason.trim() === "") return report(usage("--reason must say why").error, io);
  const client = await controlClient(flags, io);
  if (!client.ok) return report(client.error, io);
  const path = `v1/revocations/pending/${encodeURIComponent(id)}/approve`;
  const answer = await client.value.call("POST", path, { body: { reason: flags.reason } });
  if (!answer.ok) return report(answer.error, io);
  const revocation = answer.value as RevocationAnswer;
  if (flags.json === true) io.out(`${JSON.stringify(revocation)}\n`);
  else printRevoked(revocation, false, io);
  return EXIT.done;
}
