// The programs that scripts/install-conformance builds. Where there was no Go to build them, their tests are skipped and
// say so.
import { existsSync } from "node:fs";
import { resolve } from "node:path";

export const H2SPEC: string = resolve(".cache/conformance/h2spec");
export const GRPC_INTEROP: string = resolve(".cache/conformance/grpc-interop");

/** For the end of a title; empty where they are built. */
export const WHY_SKIPPED: string = [H2SPEC, GRPC_INTEROP].every((program) => existsSync(program))
  ? ""
  : " (skipped: Go was missing when scripts/install-conformance ran)";
