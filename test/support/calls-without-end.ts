// Calls through an Envoy that go on while something is done to what stands behind it. It judges no answer.
import { call } from "./http-call.ts";

/**
 * Calls, one after another on `lanes` lanes, until told to stop; resolves with how often each status was answered. In the
 * tier that answers from memory: a store slowed by the machine's other work is not what is tested here.
 */
export function keepCalling(
  url: string,
  token: string,
  lanes: number,
): { stop(): Promise<ReadonlyMap<string, number>>; count(): number } {
  const answers = new Map<string, number>();
  const stopping = new AbortController();
  let count = 0;
  const lane = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const answer = await call(url, { path: "/api/orders", token }).then(({ status }) => String(status), String);
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      count += 1;
    }
  };
  const running = Promise.all(Array.from({ length: lanes }, lane));
  return {
    count: () => count,
    async stop() {
      stopping.abort();
      await running;
      return answers;
    },
  };
}
