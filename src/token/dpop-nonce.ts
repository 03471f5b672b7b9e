// Gives out nonces for DPoP proofs and knows its own again without keeping any (RFC 9449 §8, §9): each is a keyed hash of the
// period it was made in.

import { createHmac, timingSafeEqual } from "node:crypto";

export interface DpopNonces {
  /** Of the period that `wallMs` lies in. */
  current(wallMs: number): string;
  /** `stale`: of the period before, or of the next by another sidecar's clock; good, and worth replacing. */
  judge(nonce: string, wallMs: number): "current" | "stale" | "unknown";
}

/** A client learns a new nonce with the answer to its first call in a period: once in two minutes costs it nothing. */
const PERIOD_MS = 120_000;
const NONCE_BYTES = 18;

/** `secret` of one process: its nonces mean nothing to another. Of a fleet: they are good everywhere. */
export function createDpopNonces(secret: Uint8Array): DpopNonces {
  let cached: readonly [period: number, nonce: string] | undefined;

  function of(period: number): string {
    const mac = createHmac("sha256", secret).update(`portcullis dpop nonce ${period}`).digest();
    return mac.subarray(0, NONCE_BYTES).toString("base64url");
  }
  function current(wallMs: number): string {
    const period = Math.floor(wallMs / PERIOD_MS);
    if (cached?.[0] !== period) cached = [period, of(period)];
    return cached[1];
  }

  return {
    current,
    judge(nonce, wallMs) {
      if (isSame(nonce, current(wallMs))) return "current";
      const period = Math.floor(wallMs / PERIOD_MS);
      return isSame(nonce, of(period - 1)) || isSame(nonce, of(period + 1)) ? "stale" : "unknown";
    },
  };
}

function isSame(nonce: string, own: string): boolean {
  const bytes = Buffer.from(nonce);
  return bytes.length === own.length && timingSafeEqual(bytes, Buffer.from(own));
}
