// How much time a Check has, of its own deadline and the caller's grpc-timeout.
import { expect, test } from "vitest";
import { checkTimeMs } from "../../../src/ext-authz/deadline.ts";

test.each<[deadlineMs: number, grpcTimeoutMs: number | undefined, leftMs: number, why: string]>([
  [150, undefined, 150, "the caller set none"],
  [150, 600_000, 150, "the caller waits longer (Istio)"],
  [150, 187.5, 150, "the caller's less 20 % is as long"],
  [150, 100, 80, "the caller's less 20 % is shorter"],
  [150, 20, 15, "20 % would be less than 5 ms"],
  [150, 5, 0, "nothing is left"],
  [150, 1, 0, "less than the margin"],
  [150, -3, 0, "the caller has given up already"],
])("of %d ms and a grpc-timeout of %s ms, %d ms are left: %4$s", (deadlineMs, grpcTimeoutMs, leftMs) => {
  expect(checkTimeMs(deadlineMs, grpcTimeoutMs)).toBe(leftMs);
});
