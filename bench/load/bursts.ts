// Sends bursts of Checks with tokens that the server does not remember, until it is terminated; then says how it went, as
// JSON. It measures no time.
import { readCheckCalls } from "./calls.ts";
import { nowMs } from "./clock.ts";
import { Connection } from "./connection.ts";
import type { BurstJob, BurstResult } from "./job.ts";

const { endpoint, fixtures, alg, firstToken, tokenCount, size, everyMs } = JSON.parse(
  process.argv[2] ?? "",
) as BurstJob;
const calls = readCheckCalls(fixtures, alg, firstToken + tokenCount).slice(firstToken);
let sentCount = 0;
let endedCount = 0;
let failedCount = 0;
const connection = await Connection.open(endpoint, "grpc", {
  ended: (_dueAtMs, failure) => {
    endedCount += 1;
    if (failure !== undefined) failedCount += 1;
  },
  turn: () => undefined,
  lost: (why) => {
    throw new Error(`the connection was lost: ${why}`);
  },
});
setInterval(() => {
  for (let index = 0; index < size; index += 1) {
    const call = calls[sentCount % calls.length];
    if (call === undefined || !connection.canSend(call)) break;
    connection.send(call, nowMs());
    sentCount += 1;
  }
  connection.flush();
}, everyMs);
process.once("SIGTERM", () => {
  process.stdout.write(`${JSON.stringify({ sentCount, endedCount, failedCount } satisfies BurstResult)}\n`);
  process.exit(0);
});
