// Lists that the configuration has beside another room, for it may import none: they must say the same.

import { expect, it } from "vitest";
import { ALGORITHMS, CONTROL_SCOPES } from "../../../src/config/config.ts";
import { CONTROL_SCOPES as SCOPES_OF_CONTROL } from "../../../src/control/access.ts";
import { ALGORITHMS as ALGORITHMS_OF_TOKENS } from "../../../src/token/algorithms.ts";

it("every algorithm that can be configured can be verified, and no other", () => {
  expect(new Set(ALGORITHMS)).toEqual(new Set(ALGORITHMS_OF_TOKENS));
});

it("every scope of the control plane can be given to a bootstrap token", () => {
  expect(CONTROL_SCOPES).toEqual(expect.arrayContaining([...SCOPES_OF_CONTROL]));
});
