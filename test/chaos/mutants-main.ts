// `make chaos-mutants`: plays builds that are broken on purpose. Exits 1 if one of them passes.

import { firstViolation, MUTANTS } from "./mutants.ts";
import { endWithUs } from "./setting.ts";

endWithUs();
let missedCount = 0;
for (const mutant of MUTANTS) {
  const violation = await firstViolation(mutant);
  if (violation === undefined) missedCount += 1;
  console.log(`${violation === undefined ? "✗ not caught" : "✓ caught"}: ${mutant.name}\n    ${violation ?? ""}`);
}
console.log(`\n${MUTANTS.length - missedCount} caught, ${missedCount} not caught`);
process.exitCode = missedCount === 0 ? 0 : 1;
