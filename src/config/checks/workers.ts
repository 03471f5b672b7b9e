// Checks that several workers can work side by side: an address for each, and a store that each can ask.

import type { Look } from "./look.ts";

/** `coreCount`: of the machine that the file is for, as far as that can be known. */
export function checkWorkers(look: Look, coreCount: number): void {
  const count = look.number("workers");
  if (count === undefined || count < 2) return;
  checkAddresses(look, count);
  if (count > coreCount) {
    look.warn(
      ["workers"],
      `more threads than cores here (${coreCount})`,
      "no more than there are where the sidecar runs",
    );
  }
  const store = look.text("store", "type");
  if (store === "embedded" || store === "memory") {
    look.wrongValue(["store", "type"], `${count} workers cannot share it`, "redis or relay, or workers: 1");
  }
}

/** One that all share would leave it to the system which of them gets a connection, and Envoy keeps its connections. */
function checkAddresses(look: Look, count: number): void {
  const listed = look.list("listen", "grpc").length;
  const addressCount = listed === 0 ? 1 : listed;
  if (addressCount === count) return;
  look.wrong(
    look.has("listen", "grpc") ? ["listen", "grpc"] : ["workers"],
    `has ${addressCount} of the ${count} addresses that ${count} workers need`,
    `${count} addresses in listen.grpc, one for each worker`,
  );
}
