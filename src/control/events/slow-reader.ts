// How long is waited for a reader to take what was written for him.

import type { Writable } from "node:stream";

/** A pause of a browser or a proxy; not of somebody who reads slower than things happen. */
export const TAKEN_WITHIN_MS = 10_000;

/** Resolves once `stream` takes more, or is closed; false: it does not in time. */
export function whenTaken(stream: Writable): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isTaken: boolean): void => {
      clearTimeout(timer);
      stream.off("drain", taken).off("close", taken);
      resolve(isTaken);
    };
    const taken = (): void => settle(true);
    const timer = setTimeout(() => settle(false), TAKEN_WITHIN_MS);
    stream.on("drain", taken).on("close", taken);
  });
}
