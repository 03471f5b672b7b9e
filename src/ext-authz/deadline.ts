// Decides until when a Check is answered: before the caller gives up, or its failure_mode_allow decides in our place.

const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** Share of the caller's own timeout that is left for the way back. */
const MARGIN_RATIO = 0.2;
/** Even of a short timeout: one turn of a busy event loop and the network. */
const MIN_MARGIN_MS = 5;

/** Milliseconds a Check may take, never below 0. `grpcTimeoutMs`: what the caller allows; undefined: for ever. */
export function checkTimeMs(deadlineMs: number, grpcTimeoutMs: number | undefined): number {
  if (grpcTimeoutMs === undefined) return deadlineMs;
  const callersMs = grpcTimeoutMs - Math.max(grpcTimeoutMs * MARGIN_RATIO, MIN_MARGIN_MS);
  return Math.max(0, Math.min(deadlineMs, callersMs));
}

/** What a `grpc-timeout` says (gRPC over HTTP/2, "Timeout"), in milliseconds; undefined: nothing that can be read. */
export function readGrpcTimeout(text: string): number | undefined {
  const [, amount, unit] = TIMEOUT.exec(text) ?? [];
  return amount === undefined || unit === undefined ? undefined : Number(amount) * (UNIT_MS[unit] ?? 0);
}
