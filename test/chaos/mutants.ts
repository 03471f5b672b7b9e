// Builds of Portcullis that break the guarantee on purpose: a suite that passes them would prove nothing.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "./run.ts";
import { startSetting } from "./setting.ts";
import type { WorldName } from "./worlds/world.ts";

export interface Mutant {
  readonly name: string;
  readonly world: WorldName;
  /** The faults in which it shows; the others would only make it take longer. */
  readonly shownBy: (fault: string) => boolean;
  readonly changes: readonly { readonly file: string; readonly from: string; readonly to: string }[];
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: "an answer from memory is good for ever",
    world: "single",
    shownBy: (fault) => fault === "the keys are rotated",
    changes: [
      {
        file: "revocation/guard.ts",
        from: 'if (!(ageMs(asOf, now) < tier.maxStalenessMs)) return undefined;\n    return { state: "active", source: "recent"',
        to: 'if (tier.maxStalenessMs === 0) return undefined;\n    return { state: "active", source: "recent"',
      },
      { file: "core/decide.ts", from: "stalenessMs < tier.maxStalenessMs", to: "tier.maxStalenessMs > 0" },
    ],
  },
  {
    name: "a replica's position moves on though nothing proves it",
    world: "single",
    shownBy: (fault) => fault === "a's way to the store is half open",
    changes: [
      {
        file: "revocation/replica/replica.ts",
        from: "return this.#position.asOf;",
        to: "return this.#position.asOf && this.#options.clock.now();",
      },
    ],
  },
  {
    name: "a token seen revoked is forgotten when the store is out",
    world: "single",
    shownBy: (fault) => fault === "the store is killed" || fault === "the store is paused",
    changes: [
      {
        file: "revocation/guard.ts",
        from: 'if (seen !== undefined) return revoked(seen, "recent");\n    const known',
        to: "const known",
      },
    ],
  },
  {
    name: "fail-open does not end",
    world: "single",
    shownBy: (fault) => fault === "the store is killed" || fault === "the store is paused",
    changes: [
      {
        file: "core/decide.ts",
        from: "stalenessMs < tier.failOpenForMs && ageMs(firstUnansweredAt, now) < tier.failOpenForMs",
        to: "tier.failOpenForMs > 0 && ageMs(firstUnansweredAt, now) >= 0",
      },
    ],
  },
  {
    name: "a store is believed that nobody vouches for",
    world: "sentinel",
    shownBy: (fault) => fault === "the replicas hear nothing, and the primary is killed",
    changes: [
      {
        file: "revocation/redis/vouching.ts",
        from: "if (!this.#everVouched || this.#isBelieved) return true;",
        to: 'if (!this.#everVouched || this.#server !== "") return true;',
      },
      {
        file: "revocation/redis/vouching.ts",
        from: "this.#doubtedSinceMs = nowMs;\n      return false;",
        to: "this.#doubtedSinceMs = nowMs;\n      return true;",
      },
    ],
  },
];

const SOURCES = ["bin", "src", "package.json"];
const SEEDS = 4;
const LASTING_MS = 5_000;

/** The first broken promise that runs of it show; undefined: it was not caught. */
export async function firstViolation(mutant: Mutant): Promise<string | undefined> {
  const checkout = build(mutant);
  const setting = await startSetting(mutant.world, join(checkout, "bin/portcullis"));
  try {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const options = { seed, lastingMs: LASTING_MS, onlyFaults: mutant.shownBy };
      const { violations } = await run(setting.world, setting.fleet, options);
      if (violations.length > 0) return violations[0];
    }
    return undefined;
  } finally {
    await setting.stop();
    rmSync(checkout, { recursive: true, force: true });
  }
}

/** Below this checkout, so that packages are found. */
function build({ name, changes }: Mutant): string {
  mkdirSync(".cache/chaos", { recursive: true });
  const checkout = mkdtempSync(resolve(".cache/chaos/mutant-"));
  for (const source of SOURCES) cpSync(source, join(checkout, source), { recursive: true });
  symlinkSync(resolve("node_modules"), join(checkout, "node_modules"));
  for (const { file, from, to } of changes) {
    const path = join(checkout, "src", file);
    const text = readFileSync(path, "utf8");
    if (text.split(from).length !== 2) throw new Error(`${file} does not hold the line of "${name}" once`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
  return checkout;
}
