// A worker that tells once how it is, and then comes to no end of a turn.

import { parentPort } from "node:worker_threads";

parentPort?.postMessage({ type: "pulse", pulse: {} });
setTimeout(() => {
  for (;;);
}, 200);
